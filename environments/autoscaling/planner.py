"""Decides which machines to start and to end, and says why. Pure: facts in, decisions out; no database, clock or network.

What it promises, whatever the facts are:

- never more machines than the maximum, counting those that are about to end: they cost until they are gone
- no machine with a job is ended, however many there are too many: it is drained, which lets the job end
- what has been ended because it was idle is not started again for the same reason: it never flaps
- with the same facts again it does nothing more: it converges

A machine ends in three steps that other rounds take: it is *drained* (its agents are told to take nothing more), when that
is known to stand and none of them has a job the provider is told to *terminate* it, and when the provider does not know it
any more it is *gone*.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from environments.autoscaling import backoff, words
from environments.autoscaling.types import LEAVING, STAYING, DecisionKind, MachineStatus

M = MachineStatus


class AtProvider(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Its list is too old, or it does not answer."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    id: UUID
    status: MachineStatus
    created_at: datetime
    is_busy: bool = False
    """An agent on it holds a job."""
    is_heard: bool | None = None
    """An agent on it was heard lately; None: that cannot be said."""
    idle_since: datetime | None = None
    drained_since: datetime | None = None
    """Since when its agents are known to take nothing."""
    cordoned: bool = False
    price: Decimal = Decimal(0)
    is_fault: bool = False
    was_ready: bool = False
    at_provider: AtProvider = AtProvider.UNKNOWN
    absent_since: datetime | None = None
    end_at_provider: str = ""
    """Why the provider says it ended."""
    interrupted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A machine that the provider has for the environment, and no live row has."""

    provider_id: str
    machine_id: UUID | None = None
    is_busy: bool = False
    drained_since: datetime | None = None


@dataclass(frozen=True)
class EnvironmentFacts:
    id: UUID
    minimum: int
    maximum: int
    grace: timedelta
    """How long a machine waits for work."""
    waiting: int = 0
    """Jobs that no idle worker of others takes."""
    machines: tuple[MachineFacts, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    failures: tuple[datetime, ...] = ()
    """When launches failed since one last succeeded."""
    last_failure: str = ""
    trouble: str = ""
    """Why nothing can be started at all."""


@dataclass(frozen=True)
class Times:
    """How long things may take."""

    enrolment: timedelta = timedelta(minutes=10)
    silence: timedelta = timedelta(minutes=2)
    absence: timedelta = timedelta(seconds=60)
    """Lists of providers lag behind."""
    settling: timedelta = timedelta(seconds=4)
    """A job that was claimed before its agent heard the wish shows by then."""


@dataclass(frozen=True)
class Change:
    machine_id: UUID
    to: MachineStatus
    reason: str = ""
    is_fault: bool = False


@dataclass(frozen=True)
class Note:
    """A line for the log of decisions."""

    kind: DecisionKind
    text: str


@dataclass(frozen=True)
class Plan:
    launches: int = 0
    changes: tuple[Change, ...] = ()
    drain_orphans: tuple[Orphan, ...] = ()
    end_orphans: tuple[Orphan, ...] = ()
    notes: tuple[Note, ...] = ()
    held: str = ""
    """Why nothing is started though something is wanted; to be noted when it changes."""


@dataclass
class _Draft:
    """Machines as they stand after what has been decided so far."""

    machines: dict[UUID, MachineFacts]
    status: dict[UUID, MachineStatus]
    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def change(self, change: Change) -> None:
        self.status[change.machine_id] = change.to
        self.changes.append(change)

    def in_status(self, statuses: Iterable[MachineStatus]) -> list[MachineFacts]:
        return [machine for pk, machine in self.machines.items() if self.status[pk] in statuses]

    @property
    def usable(self) -> list[MachineFacts]:
        """Those that take jobs, now or when they have started."""
        return [machine for machine in self.in_status(STAYING) if not machine.cordoned]

    @property
    def total(self) -> int:
        return len(self.in_status(STAYING | LEAVING))


def plan(facts: EnvironmentFacts, now: datetime, times: Times) -> Plan:
    draft = _Draft({m.id: m for m in facts.machines}, {m.id: m.status for m in facts.machines})
    _follow_each(draft, now, times)
    _obey_maximum(draft, facts)
    _end_idle(draft, facts, now)
    launches, held = _launches(draft, facts, now)
    to_drain, to_end = _orphans(facts.orphans, now, times)
    if launches:
        text = words.launch(launches, facts.waiting, facts.minimum, facts.maximum, len(draft.usable))
        draft.notes.append(Note(DecisionKind.LAUNCHED, text))
    if to_end:
        draft.notes.append(Note(DecisionKind.ORPHAN, words.orphans([o.provider_id for o in to_end])))
    return Plan(launches, tuple(draft.changes), to_drain, to_end, tuple(draft.notes), held)


def wanted(facts: EnvironmentFacts, busy: int) -> int:
    """How many machines the environment should have."""
    return min(max(busy + facts.waiting, facts.minimum), facts.maximum)


def _follow_each(draft: _Draft, now: datetime, times: Times) -> None:
    """What happened to single machines: each takes at most one step."""
    for machine in list(draft.machines.values()):
        change = _vanished(machine, now, times) or _next_step(machine, now, times)
        if change is not None:
            draft.change(change)
    draft.notes.extend(_grouped(draft.changes))


def _vanished(machine: MachineFacts, now: datetime, times: Times) -> Change | None:
    """The provider does not have it any more."""
    if machine.at_provider is not AtProvider.ABSENT or machine.status is M.REQUESTED:
        return None
    if machine.status in LEAVING:
        return Change(machine.id, M.FAILED if machine.is_fault else M.GONE)
    told = bool(machine.end_at_provider)
    if not told and (machine.absent_since is None or now - machine.absent_since < times.absence):
        return None
    if machine.status is M.STARTING:
        return Change(machine.id, M.FAILED, words.vanished_early(machine.end_at_provider), is_fault=True)
    return Change(machine.id, M.LOST, words.vanished(machine.end_at_provider), is_fault=True)


def _next_step(machine: MachineFacts, now: datetime, times: Times) -> Change | None:
    age = now - machine.created_at
    match machine.status:
        case M.STARTING if machine.is_heard:
            return Change(machine.id, M.READY)
        case M.REQUESTED | M.STARTING if age >= times.enrolment and not machine.is_busy:
            return Change(machine.id, M.DRAINING, words.never_enrolled(times.enrolment), is_fault=True)
        case M.READY if machine.is_heard is False and not machine.is_busy:
            return Change(machine.id, M.DRAINING, words.silent(times.silence), is_fault=True)
        case M.STARTING | M.READY if machine.interrupted_at is not None:
            return Change(machine.id, M.DRAINING, words.interrupted(machine.interrupted_at))
        case M.DRAINING if not machine.is_busy and _is_settled(machine.drained_since, now, times):
            return Change(machine.id, M.TERMINATING)
    return None


def _is_settled(since: datetime | None, now: datetime, times: Times) -> bool:
    return since is not None and now - since >= times.settling


def _obey_maximum(draft: _Draft, facts: EnvironmentFacts) -> None:
    """Those that are about to end already do not end others: what stays is to fit."""
    staying = draft.in_status(STAYING)
    excess = sorted(staying, key=_first_to_go)[: max(0, len(staying) - facts.maximum)]
    _drain(draft, excess, words.too_many(facts.maximum))


def _first_to_go(machine: MachineFacts) -> tuple[bool, bool, Decimal, datetime]:
    """Without a job before those with one, idle ones before those that start, expensive ones first, then the oldest."""
    return machine.is_busy, machine.status is not M.READY, -machine.price, machine.created_at


def _end_idle(draft: _Draft, facts: EnvironmentFacts, now: datetime) -> None:
    usable = draft.usable
    surplus = len(usable) - wanted(facts, sum(m.is_busy for m in usable))
    idle = [
        m
        for m in usable
        if draft.status[m.id] is M.READY
        and not m.is_busy
        and m.idle_since is not None
        and now - m.idle_since >= facts.grace
    ]
    _drain(draft, sorted(idle, key=_first_to_go)[: max(0, surplus)], words.idle(facts.grace))


def _drain(draft: _Draft, machines: Sequence[MachineFacts], reason: str) -> None:
    if not machines:
        return
    changes = [Change(machine.id, M.DRAINING, reason) for machine in machines]
    for change in changes:
        draft.change(change)
    draft.notes.extend(_grouped(changes))


def _launches(draft: _Draft, facts: EnvironmentFacts, now: datetime) -> tuple[int, str]:
    """How many to start, and why fewer than wanted, when that is for something that went wrong."""
    usable = draft.usable
    busy = sum(m.is_busy for m in usable)
    missing = min(wanted(facts, busy) - len(usable), facts.maximum - draft.total)
    if missing <= 0:
        return 0, ""
    if facts.trouble:
        return 0, facts.trouble
    if _is_failing(draft):
        return 0, ""  # that was told; what is held back for how long is known when it is gone
    if not facts.failures:
        return missing, ""
    next_try = backoff.next_try(facts.failures)
    if now < next_try:
        return 0, words.held(next_try, facts.last_failure)
    # One tries whether it works again; the others follow when it is there.
    coming = draft.in_status({M.REQUESTED, M.STARTING})
    is_trying = any(machine.created_at > max(facts.failures) for machine in coming)
    return 0 if is_trying else 1, ""


def _is_failing(draft: _Draft) -> bool:
    """Whether something that never came up is about to end, or has just ended."""
    faulty = {change.machine_id for change in draft.changes if change.is_fault}
    return any(
        not machine.was_ready and machine.status is not M.READY and (machine.is_fault or machine.id in faulty)
        for machine in draft.in_status(LEAVING | {M.FAILED})
    )


def _orphans(
    orphans: Iterable[Orphan], now: datetime, times: Times
) -> tuple[tuple[Orphan, ...], tuple[Orphan, ...]]:
    """Those to be told to take nothing, and those to end. One whose tag does not say its machine has no agent of ours."""
    idle = [orphan for orphan in orphans if not orphan.is_busy]
    to_end = [o for o in idle if o.machine_id is None or _is_settled(o.drained_since, now, times)]
    to_drain = [o for o in orphans if o not in to_end and o.drained_since is None]
    return tuple(to_drain), tuple(to_end)


def _grouped(changes: Iterable[Change]) -> list[Note]:
    """One line for all machines that end for the same reason."""
    counted = Counter((change.to, change.reason) for change in changes if change.reason)
    return [Note(_KINDS[to], words.ended(number, reason)) for (to, reason), number in counted.items()]


_KINDS = {M.DRAINING: DecisionKind.ENDED, M.FAILED: DecisionKind.FAILED, M.LOST: DecisionKind.LOST}
