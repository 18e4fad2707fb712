"""Environment variables and the names of their groups, completed with the step's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from valohai_yaml.objs.step import Step

from common.storable import unstorable
from executions.spec.faults import Faults
from projects.models import Project
from projects.selectors import effective_variables, groups_of, named_groups

FIELD = "environment_variables"
GROUPS_FIELD = "environment_variable_groups"
_NAME = re.compile(r"\A[^\s=\x00]{1,255}\Z")


def resolve_variables(
    step: Step,
    given: Mapping[str, Any] | None,
    *,
    project: Project,
    groups: Sequence[str],
    inherit: bool,
    faults: Faults,
) -> dict[str, str]:
    """The execution's own variables: the step's defaults under what was given; a given null is no value.

    What it inherits, or has from the groups that it asks for, is not copied, but counts as given.
    """
    own = {name: str(v.default) for name, v in step.environment_variables.items() if v.default is not None}
    for name, value in (given or {}).items():
        text = _checked(name, value, faults)
        if text is not None:
            own[name] = text
    required = {name for name, variable in step.environment_variables.items() if not variable.optional}
    missing = required - own.keys()
    if missing:
        missing -= effective_variables(project, groups, inherit=inherit).keys()
    for name in sorted(missing):
        faults.add(
            FIELD, f"Step '{step.name}' needs a value for the environment variable '{name}'.", "required"
        )
    return own


def _checked(name: str, value: Any, faults: Faults) -> str | None:
    if not _NAME.match(name) or unstorable(name):
        faults.add(FIELD, f"{name[:80]!a} cannot name an environment variable.")
        return None
    if isinstance(value, dict | list):
        faults.add(FIELD, f"The environment variable '{name}' must be text.")
        return None
    why = unstorable(value)
    if why:
        faults.add(FIELD, f"The environment variable '{name}' {why}.")
        return None
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def resolve_groups(step: Step, given: Sequence[str] | None, *, project: Project, faults: Faults) -> list[str]:
    """Names or ids of the groups that are asked for; every one has to be assigned to the project."""
    wanted = list(step.environment_variable_groups) if given is None else list(given)
    if not all(isinstance(name, str) and not unstorable(name) for name in wanted):
        faults.add(GROUPS_FIELD, "Names of groups must be text.")
        return []
    wanted = list(dict.fromkeys(wanted))
    found = named_groups(groups_of(project), wanted) if wanted else {}
    for name in wanted:
        if found[name] is None:
            faults.add(
                GROUPS_FIELD,
                f"No group of environment variables '{name[:128]}' is assigned to this project. An owner of its organization "
                "can assign one.",
                "does_not_exist",
            )
    return wanted
