"""The vocabulary of executions; no Django."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    CREATED = "created"
    QUEUED = "queued"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ERROR = "error"
    CRASHED = "crashed"
    COMPLETE = "complete"


FINAL = frozenset({Status.STOPPED, Status.ERROR, Status.CRASHED, Status.COMPLETE})
INCOMPLETE = frozenset(Status) - FINAL
WAITING = frozenset({Status.CREATED, Status.QUEUED})
"""No worker has begun it."""
RUNNING = frozenset({Status.STARTED, Status.STOPPING})
"""A worker holds the execution, or held it when it was last heard of."""

ALERTS = "alerts"
"""Key of an execution's `runtime_facts`: what whoever looks at the run should know, as `[{"kind", "text", "time"}]`."""

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.QUEUED, Status.STOPPED}),
    Status.QUEUED: frozenset({Status.STARTED, Status.STOPPED, Status.ERROR}),
    Status.STARTED: frozenset(
        {Status.STOPPING, Status.COMPLETE, Status.ERROR, Status.CRASHED, Status.STOPPED}
    ),
    Status.STOPPING: frozenset({Status.STOPPED}),
    **{status: frozenset() for status in FINAL},
}
"""Every legal change of status. It only ever goes forward, and a final status never changes.

Once a stop was asked for, `stopped` is the only end, whatever the worker reports: see docs/decisions/0040.
"""


def sources_of(target: Status) -> frozenset[Status]:
    """The statuses from which `target` may be reached."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


@dataclass(frozen=True, kw_only=True)
class ExecutionSpec:
    """What somebody asks to be run, before it is checked against the step.

    None means "not said": the step's, the project's or the installation's own value applies. `time_limit_seconds` and
    `no_output_timeout_seconds` of 0 mean no limit. A parameter or variable of None counts as not given.
    """

    commit: str
    step: str
    environment: str | None = None
    image: str | None = None
    command: str | None = None
    title: str = ""
    inputs: Mapping[str, Sequence[str] | str] | None = None
    parameters: Mapping[str, Any] | None = None
    environment_variables: Mapping[str, Any] | None = None
    environment_variable_groups: Sequence[str] | None = None
    inherit_environment_variables: bool = True
    tags: Sequence[str] = ()
    time_limit_seconds: float | None = None
    no_output_timeout_seconds: float | None = None
    priority: int = 0
    runtime_config: Mapping[str, Any] = field(default_factory=dict)
    runtime_config_preset: str = ""
    stop_expression: str | None = None
