"""Loads what the planner decides on: one query for environments, one for machines, one look at Redis; and puts it together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from common.crypto import Sealed
from environments.autoscaling import sharing
from environments.autoscaling.agents import Agent, Look
from environments.autoscaling.listings import Listing, Listings
from environments.autoscaling.memory import Memory
from environments.autoscaling.models import Machine
from environments.autoscaling.planner import AtProvider, EnvironmentFacts, MachineFacts, Orphan, Times
from environments.autoscaling.providers import is_known, provider_named
from environments.autoscaling.providers.base import Place
from environments.autoscaling.types import LEAVING, MachineStatus, Wish, agent_identity
from environments.models import Environment, redis_queue

REMEMBERED = timedelta(hours=1)
"""How long failures make launches wait at most."""
_NO_AGENTS: tuple[Agent, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    id: UUID
    slug: str
    name: str
    provider: str
    template: Mapping[str, Any]
    queue_name: str
    enabled: bool
    scale_min: int
    scale_max: int
    grace_minutes: int
    price: Decimal
    requires_enrolled_workers: bool
    sealed: Sealed | str = ""

    @property
    def place(self) -> Place:
        return Place(self.id, self.slug, self.template, self.sealed)

    @property
    def minimum(self) -> int:
        return min(self.scale_min, self.maximum) if self.enabled else 0

    @property
    def maximum(self) -> int:
        """One that nobody scales any more keeps nothing that somebody did."""
        return self.scale_max if self.provider else 0

    @property
    def trouble(self) -> str:
        if not is_known(self.provider):
            return f"There is no provider '{self.provider}': no machine is started." if self.provider else ""
        problems = provider_named(self.provider).problems(self.template)
        return f"The machine template is not right: {' '.join(problems)}" if problems else ""


@dataclass(frozen=True, slots=True)
class MachineRow:
    id: UUID
    environment_id: UUID
    provider: str
    provider_id: str
    status: str
    created_at: datetime
    started_at: datetime | None
    ready_at: datetime | None
    seen_at: datetime | None
    idle_since: datetime | None
    ended_at: datetime | None
    interrupted_at: datetime | None
    cordoned: bool
    stop_jobs: bool
    is_fault: bool
    reason: str
    price: Decimal
    workers: Sequence[str]
    agent_version: str
    obeys_wishes: bool
    queue_name: str


def load_environments() -> list[EnvironmentRow]:
    """Those with a provider, and those that still have machines of one."""
    inhabited = Machine.objects.filter(ended_at__isnull=True).values("environment_id")
    rows: Any = Environment.objects.filter(Q(provider__gt="") | Q(pk__in=inhabited)).values_list(
        "pk", "slug", "name", "provider", "machine_template", "queue_name", "enabled", "scale_min", "scale_max",
        "scale_down_grace_period", "per_hour_price_usd", "requires_enrolled_workers", "provider_secrets",
    )  # fmt: skip
    return [EnvironmentRow(pk, slug, name, provider or "", *rest) for pk, slug, name, provider, *rest in rows]


def all_queues() -> list[str]:
    """In Redis, of all environments."""
    names = Environment.objects.order_by().values_list("kind", "queue_name").distinct()
    return sorted({redis_queue(*name) for name in names})


def load_machines(now: datetime) -> list[MachineRow]:
    """Those that live, and those that ended lately."""
    rows: Any = Machine.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now - REMEMBERED)).values_list(
        "pk", "environment_id", "provider", "provider_id", "status", "created_at", "started_at", "ready_at", "seen_at",
        "idle_since", "ended_at", "interrupted_at", "cordoned", "stop_jobs", "is_fault", "reason", "price_per_hour_usd",
        "workers", "agent_version", "obeys_wishes", "environment__queue_name",
    )  # fmt: skip
    return [MachineRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Observation:
    """A living machine, as Redis shows it now."""

    row: MachineRow
    agents: Sequence[Agent]
    is_busy: bool
    is_heard: bool | None
    seen_at: datetime | None
    idle_since: datetime | None

    @property
    def obeys_wishes(self) -> bool:
        return all(agent.obeys_wishes for agent in self.agents) if self.agents else self.row.obeys_wishes


def observe(rows: Iterable[MachineRow], look: Look, times: Times, *, is_trusted: bool) -> list[Observation]:
    """`is_trusted`: Redis has been there for so long that a silent agent could have been heard."""
    by_machine: dict[UUID, list[Agent]] = defaultdict(list)
    for agent in look.agents:
        if agent.machine_id is not None:
            by_machine[agent.machine_id].append(agent)
    moment = datetime.fromtimestamp(look.now, UTC)
    return [
        _observed(
            row, _own(row, by_machine.get(row.id, _NO_AGENTS)), look, moment, times, is_trusted=is_trusted
        )
        for row in rows
        if row.ended_at is None
    ]


def _own(row: MachineRow, agents: Sequence[Agent]) -> list[Agent]:
    """An agent of another queue may say what it likes of its machine."""
    return [agent for agent in agents if row.queue_name in agent.queues]


def _observed(
    row: MachineRow, agents: Sequence[Agent], look: Look, moment: datetime, times: Times, *, is_trusted: bool
) -> Observation:
    names = {agent_identity(row.id), *row.workers, *(agent.identity for agent in agents)}
    is_busy = look.is_busy(row.queue_name, names)
    said_at = [datetime.fromtimestamp(min(agent.seen_at, look.now), UTC) for agent in agents]
    seen_at = max([*said_at, *([row.seen_at] if row.seen_at else [])], default=None)
    if is_busy:
        seen_at = moment  # earlier versions say nothing during a job; a lease is a sign of life, too
    is_heard: bool | None = seen_at is not None and moment - seen_at < times.silence
    if not is_heard and not is_trusted:
        is_heard = None
    return Observation(
        row, agents, is_busy, is_heard, seen_at, _idle_since(row, agents, moment, is_busy=is_busy)
    )


def _idle_since(
    row: MachineRow, agents: Sequence[Agent], moment: datetime, *, is_busy: bool
) -> datetime | None:
    """A job that came and went between two looks is known from what the agent says."""
    if is_busy or not agents:
        return None if is_busy else row.idle_since
    said = [
        datetime.fromtimestamp(agent.seen_at - agent.idle_seconds, UTC)
        for agent in agents
        if agent.idle_seconds is not None and agent.seen_at > agent.idle_seconds
    ]
    return min(max([row.idle_since or moment, *said]), moment)


def environment_facts(
    environments: Sequence[EnvironmentRow],
    rows: Sequence[MachineRow],
    observations: Sequence[Observation],
    look: Look,
    listings: Listings,
    memory: Memory,
    now: datetime,
) -> list[EnvironmentFacts]:
    living: dict[UUID, list[Observation]] = defaultdict(list)
    for observation in observations:
        living[observation.row.environment_id].append(observation)
    failed = _failures(rows)
    memory.keep_machines({o.row.id for o in observations} | listings.machine_ids)
    waiting = _waiting(environments, living, look)
    return [
        _facts_of(
            environment, living[environment.id], failed.get(environment.id, []), waiting.get(environment.id, 0),
            listings.of(environment.id), look, memory, now,
        )
        for environment in environments
    ]  # fmt: skip


def _facts_of(
    environment: EnvironmentRow,
    observations: Sequence[Observation],
    failures: Sequence[MachineRow],
    waiting: int,
    listing: Listing | None,
    look: Look,
    memory: Memory,
    now: datetime,
) -> EnvironmentFacts:
    last = max(failures, key=lambda row: row.ended_at or row.created_at, default=None)
    return EnvironmentFacts(
        id=environment.id,
        minimum=environment.minimum,
        maximum=environment.maximum,
        grace=timedelta(minutes=environment.grace_minutes),
        waiting=waiting,
        machines=tuple(_machine_facts(o, listing, look, memory, now) for o in observations),
        orphans=_orphans(environment, {o.row.id for o in observations}, listing, look, memory, now),
        failures=tuple(row.ended_at for row in failures if row.ended_at is not None),
        last_failure=last.reason if last else "",
        trouble=environment.trouble,
    )


def _machine_facts(
    seen: Observation, listing: Listing | None, look: Look, memory: Memory, now: datetime
) -> MachineFacts:
    row = seen.row
    at_provider = _at_provider(row, listing, memory)
    known = listing.by_machine.get(row.id) if listing else None
    is_absent = at_provider is AtProvider.ABSENT
    return MachineFacts(
        id=row.id,
        status=MachineStatus(row.status),
        created_at=row.created_at,
        is_busy=seen.is_busy,
        is_heard=seen.is_heard,
        idle_since=seen.idle_since,
        drained_since=memory.since("drained", row.id, _is_drained(seen, look), now),
        cordoned=row.cordoned,
        price=row.price,
        is_fault=row.is_fault,
        was_ready=row.ready_at is not None,
        at_provider=at_provider,
        absent_since=memory.since("absent", row.id, is_absent, now),
        end_at_provider=known.end_reason if known and is_absent else "",
        interrupted_at=(known.interrupted_at if known else None)
        or _said_interruption(seen)
        or row.interrupted_at,
    )


def _said_interruption(seen: Observation) -> datetime | None:
    """Agents hear of it on their machine before lists show it."""
    return min((agent.interrupted_at for agent in seen.agents if agent.interrupted_at), default=None)


def _is_drained(seen: Observation, look: Look) -> bool:
    """No agent on it takes a job. Earlier versions know no wishes: they are taken at a moment without a job."""
    if MachineStatus(seen.row.status) not in LEAVING or seen.is_busy:
        return False
    wish = look.wish_of(seen.row.queue_name, seen.row.id)
    return wish in {Wish.DRAIN, Wish.STOP} or not seen.obeys_wishes


def _at_provider(row: MachineRow, listing: Listing | None, memory: Memory) -> AtProvider:
    if listing is None:
        return AtProvider.UNKNOWN
    known = listing.by_machine.get(row.id)
    if known is not None and known.is_running:
        return AtProvider.PRESENT
    told_at = memory.terminated_at.get(row.id)
    since = told_at if row.status == MachineStatus.TERMINATING else row.started_at
    return AtProvider.ABSENT if since is not None and listing.began_at > since else AtProvider.UNKNOWN


def _orphans(
    environment: EnvironmentRow,
    living: set[UUID],
    listing: Listing | None,
    look: Look,
    memory: Memory,
    now: datetime,
) -> tuple[Orphan, ...]:
    if listing is None:
        return ()
    found = []
    for machine in listing.machines:
        if not machine.is_running or machine.machine_id in living:
            continue
        is_busy = machine.machine_id in look.busy_machines
        since = None
        if machine.machine_id is not None:
            is_told = look.wish_of(environment.queue_name, machine.machine_id) == Wish.DRAIN
            since = memory.since("drained", machine.machine_id, is_told and not is_busy, now)
        found.append(Orphan(machine.provider_id, machine.machine_id, is_busy, since))
    return tuple(found)


def _failures(rows: Iterable[MachineRow]) -> dict[UUID, list[MachineRow]]:
    """Machines that never came up, asked for after the last one that did."""
    succeeded: dict[UUID, datetime] = {}
    for row in rows:
        if row.ready_at is not None:
            succeeded[row.environment_id] = max(row.ready_at, succeeded.get(row.environment_id, row.ready_at))
    failed: dict[UUID, list[MachineRow]] = defaultdict(list)
    for row in rows:
        if row.ended_at is None or not row.is_fault or row.ready_at is not None:
            continue
        last = succeeded.get(row.environment_id)
        if last is None or row.ended_at > last:
            failed[row.environment_id].append(row)
    return failed


def _waiting(
    environments: Sequence[EnvironmentRow], living: Mapping[UUID, Sequence[Observation]], look: Look
) -> dict[UUID, int]:
    """Jobs per environment, without those that idle workers of others take."""
    of_machines = {agent.identity for seen in living.values() for o in seen for agent in o.agents}
    idle_others: dict[str, int] = defaultdict(int)
    for agent in look.agents:
        is_idle = agent.identity not in look.busy and agent.state in {"", "idle"}
        if (
            is_idle
            and agent.identity not in of_machines
            and look.now - agent.seen_at < sharing.SILENT_SECONDS
        ):
            for queue in agent.queues:
                idle_others[queue] += 1
    parties: dict[str, list[sharing.Party]] = defaultdict(list)
    for environment in environments:
        seen = [o for o in living[environment.id] if o.row.status not in LEAVING and not o.row.cordoned]
        busy = sum(o.is_busy for o in seen)
        parties[environment.queue_name].append(
            sharing.Party(environment.id, environment.maximum - busy, len(seen) - busy, environment.price)
        )
    shares: dict[UUID, int] = {}
    for queue, sharers in parties.items():
        shares |= sharing.share(max(0, look.waiting.get(queue, 0) - idle_others[queue]), sharers)
    return shares
