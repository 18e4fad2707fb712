"""Running an execution again as it was: what of it can no longer be, and what is different today."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from valohai_yaml.objs.step import Step

from accounts.models import User
from common.errors import DomainError, FieldsRefused
from environments.errors import EnvironmentNotAvailable, EnvironmentNotFound
from executions import input_addresses
from executions.models import Execution
from executions.services import spec_from
from executions.spec import draft_execution
from executions.types import ExecutionSpec
from executions.variables import since_it_ran, variables_beside
from organizations.access import Capability, require
from projects.config import parsed
from projects.errors import ConfigBroken
from projects.models import Commit
from projects.selectors import commits_for


class Weight(StrEnum):
    BLOCKS = "blocks"  # it cannot be created like this
    DIFFERS = "differs"  # it can, and something would not be as it was
    NOTE = "note"  # it would be the same; today one may want something else


@dataclass(frozen=True)
class Difference:
    """`was` and `now` are empty where the message says it all."""

    field: str
    weight: Weight
    message: str
    was: str = ""
    now: str = ""


_COMPARED = {
    "interpolated_command": "The command",
    "upload_store_id": "The store of outputs",
    "per_hour_price_usd": "The price of the environment for an hour",
}


def differences(user: User, execution: Execution) -> list[Difference]:
    """What the same execution would meet today, the weightiest first. Nothing is created."""
    require(user, Capability.RUN, execution.project)
    found = [
        *_with_draft(user, execution),
        *_variables(execution),
        *_with_newest_commit(user, execution),
        *_image_by_tag(execution),
    ]
    return sorted(found, key=lambda difference: list(Weight).index(difference.weight))


def _with_draft(user: User, execution: Execution) -> Iterator[Difference]:
    """The best judge of what would be created is what creates."""
    spec = spec_from(execution)
    try:
        draft = draft_execution(spec=spec, project=execution.project, actor=user)
    except (EnvironmentNotAvailable, EnvironmentNotFound) as error:
        yield Difference("environment", Weight.BLOCKS, error.message)
        yield from _without_environment(user, execution, spec)
    except DomainError as error:
        yield from _refusals(error)
    else:
        yield from _compared(execution, draft)


def _without_environment(user: User, execution: Execution, spec: ExecutionSpec) -> Iterator[Difference]:
    """Whatever else is in the way, so that nobody learns it one by one."""
    try:
        draft_execution(spec=replace(spec, environment=None), project=execution.project, actor=user)
    except (EnvironmentNotAvailable, EnvironmentNotFound):
        return
    except DomainError as error:
        yield from _refusals(error)


def _refusals(error: DomainError) -> Iterator[Difference]:
    if isinstance(error, FieldsRefused):
        for field, faults in error.faults.items():
            for fault in faults:
                yield Difference(field, Weight.BLOCKS, fault.message)
    else:
        yield Difference(error.field or "", Weight.BLOCKS, error.message)


def _compared(execution: Execution, draft: Execution) -> Iterator[Difference]:
    for field, label in _COMPARED.items():
        was, now = getattr(execution, field), getattr(draft, field)
        if was != now:
            yield Difference(field, Weight.DIFFERS, f"{label} is another one now.", _shown(was), _shown(now))
    for name in sorted({item["name"] for item in execution.inputs}):
        was, now = _urls(execution, name), _urls(draft, name)
        if was != now:
            yield Difference(
                "inputs",
                Weight.DIFFERS,
                f"Input '{name}' is another one now.",
                ", ".join(map(_shown_address, was)),
                ", ".join(map(_shown_address, now)),
            )


def _variables(execution: Execution) -> Iterator[Difference]:
    """What it got from its project, its organization and groups, by name: values are not kept, and would not be shown."""
    since = since_it_ran(execution)
    if since is None:
        if execution.started_at is not None and variables_beside(execution):
            yield _of_variables(
                Weight.NOTE,
                "What it inherited was not written down when it ran, so variables of its project, organization and groups cannot "
                "be compared. Those of today apply.",
            )
        return
    for name in since.changed:
        yield _of_variables(Weight.DIFFERS, f"The variable '{name}' that it inherited has another value now.")
    for name in since.gone:
        yield _of_variables(Weight.DIFFERS, f"The variable '{name}' that it inherited is gone.")
    for name in since.new:
        yield _of_variables(Weight.DIFFERS, f"It would inherit the variable '{name}', which was not there.")
    if since.unknown:
        yield _of_variables(
            Weight.NOTE,
            f"The installation has another key now, so these variables cannot be compared: {', '.join(since.unknown)}.",
        )


def _of_variables(weight: Weight, message: str) -> Difference:
    return Difference("environment_variables", weight, message)


def _with_newest_commit(user: User, execution: Execution) -> Iterator[Difference]:
    """What the step has become on the branch that the execution's commit was fetched from."""
    used = execution.commit
    if used is None or not used.ref or used.adhoc:
        return
    newer = commits_for(user, execution.project).filter(ref=used.ref, adhoc=False, config__isnull=False)
    newest = newer.first()
    if newest is None or newest.pk == used.pk or newest.committed_at <= used.committed_at:
        return
    yield Difference(
        "commit", Weight.NOTE, f"{used.ref} has gone on.", used.short_identifier, newest.short_identifier
    )
    yield from _step_of_newest(execution, newest)


def _step_of_newest(execution: Execution, newest: Commit) -> Iterator[Difference]:
    try:
        step: Step | None = parsed(newest).steps.get(execution.step)
    except ConfigBroken:
        return
    where = f"at {newest.short_identifier}"
    if step is None:
        yield Difference("step", Weight.NOTE, f"There is no step '{execution.step}' {where} any more.")
    elif step.image and step.image != execution.image:
        yield Difference(
            "image", Weight.NOTE, f"The step has another image {where}.", execution.image, step.image
        )


def _image_by_tag(execution: Execution) -> Iterator[Difference]:
    digest = str(execution.runtime_facts.get("image_digest") or "")
    if digest and "@sha256:" not in execution.image:
        yield Difference(
            "image",
            Weight.NOTE,
            f"It ran with {digest[:200]}. A tag may mean another image by now; name the digest to have the same one.",
        )


def _urls(execution: Execution, name: str) -> list[str]:
    return [url for item in execution.inputs if item["name"] == name for url in item["urls"]]


def _shown_address(uri: str) -> str:
    return input_addresses.shown(uri) if input_addresses.is_address(uri) else uri


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
