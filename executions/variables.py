"""The environment variables of an execution beside its own: inherited ones, and those of the groups that it asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.crypto import fingerprint, is_fingerprint_of
from executions.models import Execution
from projects.selectors import VariableLayers, effective_variables, layers_of_each
from projects.types import ResolvedVariable


def variables_beside(execution: Execution) -> dict[str, ResolvedVariable]:
    """As they are now: what changed since it was created counts when its worker asks."""
    return effective_variables(
        execution.project,
        execution.environment_variable_groups,
        inherit=execution.inherit_environment_variables,
    )


def known_variables(execution: Execution) -> Mapping[str, ResolvedVariable]:
    """Every variable that the execution may get from elsewhere, whether it inherits them or not."""
    read: VariableLayers | None = getattr(execution, "variable_layers", None)
    groups = execution.environment_variable_groups
    return effective_variables(execution.project, groups, inherit=True, known=read)


def read_known_variables(executions: Iterable[Execution]) -> None:
    """What `known_variables` of each will look at, for all of a list at once."""
    rows = list(executions)
    of_projects = layers_of_each(row.project for row in rows)
    for row in rows:
        row.variable_layers = of_projects[row.project_id]


def shown_variables(execution: Execution) -> dict[str, str]:
    """Its own variables as everybody who sees it may read them: a name that is a secret elsewhere is one here too, and empty."""
    own: dict[str, str] = execution.environment_variables
    known = known_variables(execution) if own else {}
    return {name: "" if name in known and known[name].secret else value for name, value in own.items()}


@dataclass(frozen=True)
class SinceItRan:
    """How the variables that an execution got from elsewhere differ from those that it would get now. Names only."""

    changed: list[str]
    gone: list[str]
    new: list[str]
    unknown: list[str]
    """Nobody can say: the key of the installation has changed since."""


def written_down(execution: Execution, given: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the variables that a worker was given beside the execution's own: fingerprints, never values."""
    return {
        name: fingerprint(_named(name, value))
        for name, value in given.items()
        if name not in execution.environment_variables and not name.startswith("VH_")
    }


def since_it_ran(execution: Execution) -> SinceItRan | None:
    """None: what it got was not written down, or it has not begun."""
    then: dict[str, str] | None = execution.variables_beside
    if then is None:
        return None
    own = execution.environment_variables
    now = {name: variable.value for name, variable in variables_beside(execution).items() if name not in own}
    same = {name: is_fingerprint_of(then[name], _named(name, now[name])) for name in then.keys() & now.keys()}
    return SinceItRan(
        changed=sorted(name for name, equal in same.items() if equal is False),
        gone=sorted(then.keys() - now.keys()),
        new=sorted(name for name in now.keys() - then.keys() if not name.startswith("VH_")),
        unknown=sorted(name for name, equal in same.items() if equal is None),
    )


def _named(name: str, value: str) -> str:
    """So that two variables of one value do not look alike in the database."""
    return f"{name}={value}"
