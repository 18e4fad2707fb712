"""Puts the checked parts together into an execution that is not saved yet."""

from collections.abc import Sequence
from typing import Any

from valohai_yaml.objs.step import Step

from accounts.models import User
from common.storable import unstorable
from executions.models import Execution
from executions.spec.command import command_text, interpolate_command
from executions.spec.faults import Faults
from executions.spec.inputs import resolve_inputs
from executions.spec.limits import resolve_no_output_timeout, resolve_time_limit
from executions.spec.mounts import resolve_mounts
from executions.spec.parameters import resolve_parameters
from executions.spec.placement import (
    check_priority,
    choose_environment,
    choose_image,
    choose_upload_store,
)
from executions.spec.quota import choose_quota_team
from executions.spec.runtime import resolve_runtime_config
from executions.spec.variables import resolve_groups, resolve_variables
from executions.types import ExecutionSpec
from projects.config import get_step
from projects.models import Project
from projects.selectors import resolve_commit

LONGEST_TITLE = 255
LONGEST_TAG = 128
MOST_TAGS = 100


def draft_execution(*, spec: ExecutionSpec, project: Project, actor: User) -> Execution:
    """An unsaved execution without a number.

    Raises `CommitNotFound`, `StepNotFound`, `EnvironmentNotFound`, or `FieldsRefused` with everything else at once.
    """
    commit = resolve_commit(project, spec.commit)
    step = get_step(commit, spec.step)
    environment = choose_environment(given=spec.environment, step=step, project=project, actor=actor)
    faults = Faults()
    priority = check_priority(spec.priority, environment, faults)
    image = choose_image(given=spec.image, step=step, environment=environment, faults=faults)
    timeout = resolve_no_output_timeout(step, spec.no_output_timeout_seconds, faults)
    draft = Execution(
        project=project,
        creator=actor,
        commit=commit,
        environment=environment,
        quota_team=choose_quota_team(actor=actor, project=project, environment=environment, faults=faults),
        step=step.name,
        title=check_title(spec.title, faults),
        tags=check_tags(spec.tags, faults),
        image=image,
        priority=priority,
        time_limit_seconds=resolve_time_limit(step, spec.time_limit_seconds, faults),
        no_output_timeout_seconds=timeout,
        runtime_config=resolve_runtime_config(step, spec, timeout, faults),
        mounts=resolve_mounts(step, environment, faults),
        upload_store_id=choose_upload_store(step=step, project=project, faults=faults),
        inherit_environment_variables=spec.inherit_environment_variables,
        per_hour_price_usd=environment.per_hour_price_usd,
        **_job(step, spec, project, faults),
    )
    faults.raise_if_any()
    return draft


def _job(step: Step, spec: ExecutionSpec, project: Project, faults: Faults) -> dict[str, Any]:
    """What the job itself gets to see: parameters, inputs, variables, command."""
    why = unstorable(spec.command)
    if why:
        faults.add("command", f"The command {why}.")
    parameters = resolve_parameters(step, spec.parameters, faults)
    inherit = spec.inherit_environment_variables
    groups = resolve_groups(step, spec.environment_variable_groups, project=project, faults=faults)
    return {
        "parameters": parameters,
        "inputs": resolve_inputs(step, spec.inputs, parameters, project, faults),
        "environment_variables": resolve_variables(
            step, spec.environment_variables, project=project, groups=groups, inherit=inherit, faults=faults
        ),
        "environment_variable_groups": groups,
        "command": command_text(step, spec.command),
        "interpolated_command": "" if faults else interpolate_command(step, spec.command, parameters, faults),
    }


def check_title(title: str, faults: Faults) -> str:
    title = title.strip()
    why = unstorable(title)
    if why:
        faults.add("title", f"The title {why}.")
    elif len(title) > LONGEST_TITLE:
        faults.add("title", f"Use a title of at most {LONGEST_TITLE} characters.")
    return title


def check_tags(tags: Sequence[str], faults: Faults) -> list[str]:
    """Without blanks and repetitions, in the given order."""
    kept = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(kept) > MOST_TAGS:
        faults.add("tags", f"Use at most {MOST_TAGS} tags.")
    for tag in kept:
        why = unstorable(tag)
        if why:
            faults.add("tags", f"A tag {why}.")
        elif len(tag) > LONGEST_TAG:
            faults.add("tags", f"Use tags of at most {LONGEST_TAG} characters.")
    return kept


def checked_title(title: str) -> str:
    """`check_title` for a change of the title alone. Raises `FieldsRefused`."""
    faults = Faults()
    checked = check_title(title, faults)
    faults.raise_if_any()
    return checked


def checked_tags(tags: Sequence[str]) -> list[str]:
    faults = Faults()
    checked = check_tags(tags, faults)
    faults.raise_if_any()
    return checked
