"""The vocabulary of executions; no Django."""

from enum import StrEnum


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
RUNNING = frozenset({Status.STARTED, Status.STOPPING})
"""A worker holds the execution, or held it when it was last heard of."""

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.QUEUED, Status.STOPPED, Status.ERROR}),
    Status.QUEUED: frozenset({Status.STARTED, Status.STOPPED, Status.CREATED, Status.ERROR}),
    Status.STARTED: FINAL | {Status.STOPPING},
    Status.STOPPING: FINAL,
    **{status: frozenset() for status in FINAL},
}
"""Every legal change of status. A final status never changes."""
