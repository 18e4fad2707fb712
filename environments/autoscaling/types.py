"""The vocabulary of machines; no Django."""

from enum import StrEnum
from uuid import UUID


class MachineStatus(StrEnum):
    REQUESTED = "requested"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    TERMINATING = "terminating"
    GONE = "gone"
    FAILED = "failed"
    LOST = "lost"


M = MachineStatus

LIVE = frozenset({M.REQUESTED, M.STARTING, M.READY, M.DRAINING, M.TERMINATING})
"""It costs money, or may."""
STAYING = frozenset({M.REQUESTED, M.STARTING, M.READY})
LEAVING = frozenset({M.DRAINING, M.TERMINATING})
ENDED = frozenset({M.GONE, M.FAILED, M.LOST})

TRANSITIONS: dict[MachineStatus, frozenset[MachineStatus]] = {
    M.REQUESTED: frozenset({M.STARTING, M.DRAINING, M.FAILED}),
    M.STARTING: frozenset({M.READY, M.DRAINING, M.FAILED, M.LOST}),
    M.READY: frozenset({M.DRAINING, M.LOST}),
    M.DRAINING: frozenset({M.TERMINATING, M.GONE, M.FAILED}),
    M.TERMINATING: frozenset({M.GONE, M.FAILED}),
    **{status: frozenset() for status in ENDED},
}
"""Every legal change of status. Nothing is terminated that was not drained: an agent that is drained takes no job."""


def sources_of(target: MachineStatus) -> frozenset[MachineStatus]:
    """The statuses from which `target` may be reached."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


class Wish(StrEnum):
    """What is wanted of an agent between its jobs; `stop` also of one that has a job. The agent protocol's words."""

    CORDON = "cordon"
    RESTART = "restart"
    DRAIN = "drain"
    STOP = "stop"


class DecisionKind(StrEnum):
    LAUNCHED = "launched"
    ENDED = "ended"
    FAILED = "failed"
    LOST = "lost"
    ORPHAN = "orphan"
    HELD = "held"
    ASKED = "asked"


def short_name(machine_id: UUID) -> str:
    """What people call a machine."""
    return machine_id.hex[-8:]


def agent_identity(machine_id: UUID) -> str:
    """Agents on machines of ours are named so when they start; versions that do not say their machine are known by it."""
    return f"machine-{machine_id}"


def machine_of_identity(identity: str) -> UUID | None:
    """The machine in a name that `agent_identity` gave."""
    prefix, _, text = identity.partition("-")
    try:
        return UUID(text) if prefix == "machine" else None
    except ValueError:
        return None
