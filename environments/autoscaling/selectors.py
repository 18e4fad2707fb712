"""Reads of machines: for those who manage an environment, for its users, and for executions that wait."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import redis
from django.db.models import Count, Q, QuerySet

from common import clock
from environments.autoscaling import agents
from environments.autoscaling.agents import Agent, Look
from environments.autoscaling.costs import cost_of
from environments.autoscaling.models import Machine, ScalingDecision
from environments.autoscaling.sharing import SILENT_SECONDS
from environments.autoscaling.types import LEAVING, LIVE, MachineStatus, agent_identity
from environments.errors import MachineNotFound
from environments.models import Environment

RECENT = timedelta(hours=24)
FAILED_LATELY = timedelta(minutes=20)
M = MachineStatus


@dataclass(frozen=True)
class MachineView:
    """A machine as people see it: its row, and what its agents say now."""

    row: Machine
    agents: Sequence[Agent] = ()
    busy: Collection[str] = frozenset()
    """Identities of its agents with a job."""

    @property
    def state(self) -> str:
        if self.row.status != M.READY:
            return self.row.status
        if self.busy:
            return "busy"
        return "cordoned" if self.row.cordoned else "idle"

    @property
    def jobs(self) -> list[str]:
        """Ids of the executions on it."""
        return [agent.job for agent in self.agents if agent.job and agent.identity in self.busy]

    @property
    def usage(self) -> Mapping[str, Any]:
        return self.agents[0].usage if self.agents else {}

    @property
    def can_be_cordoned(self) -> bool:
        return self.row.status not in LEAVING and self.row.obeys_wishes and not self.row.ended_at

    @property
    def can_be_drained(self) -> bool:
        return not self.row.ended_at and self.row.status not in LEAVING

    @property
    def can_be_terminated(self) -> bool:
        return self.can_be_drained or (self.row.status == M.DRAINING and not self.row.stop_jobs)


@dataclass(frozen=True)
class Standing:
    """How an environment stands, for whoever may use it."""

    environment: Environment
    counts: Mapping[str, int] = field(default_factory=dict)
    """State -> living machines."""
    waiting: int | None = None
    """Jobs in its queue; None: Redis is away."""
    workers: Sequence[Agent] = ()
    """Of its queue, heard lately, on machines that nobody scales."""
    busy_workers: int = 0
    per_hour_usd: Decimal = Decimal(0)
    """What its machines cost now."""
    this_month_usd: Decimal = Decimal(0)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def is_scaled(self) -> bool:
        return bool(self.environment.provider)


def machine_of(environment: Environment, machine_id: UUID) -> Machine:
    """Raises `MachineNotFound`."""
    found = Machine.objects.filter(environment=environment, pk=machine_id).first()
    if found is None:
        raise MachineNotFound(machine_id)
    return found


def machines_of(environment: Environment, *, ended: bool = False) -> QuerySet[Machine]:
    """Those that live, oldest first; or those that have ended, the latest first."""
    machines = Machine.objects.filter(environment=environment)
    if ended:
        return machines.filter(ended_at__isnull=False).order_by("-ended_at", "pk")
    return machines.filter(ended_at__isnull=True).order_by("created_at", "pk")


def decisions_of(environment: Environment) -> QuerySet[ScalingDecision]:
    return ScalingDecision.objects.filter(environment=environment).order_by("-created_at", "-pk")


def look_or_none(queues: Sequence[str]) -> Look | None:
    try:
        return agents.look(queues)
    except redis.RedisError:
        return None


def views_of(machines: Iterable[Machine], look: Look | None, queue_name: str) -> list[MachineView]:
    """Of machines of one environment, whose agents serve its queue."""
    if look is None:
        return [MachineView(machine) for machine in machines]
    by_machine: dict[UUID, list[Agent]] = defaultdict(list)
    for agent in look.agents:
        if agent.machine_id is not None and queue_name in agent.queues:
            by_machine[agent.machine_id].append(agent)
    views = []
    for machine in machines:
        own = by_machine.get(machine.pk, [])
        names = {agent_identity(machine.pk), *machine.workers, *(agent.identity for agent in own)}
        views.append(MachineView(machine, own, look.busy & names))
    return views


def standings(environments: Sequence[Environment], look: Look | None = None) -> list[Standing]:
    """Of each; two queries and one look at Redis, however many there are."""
    look = look or look_or_none(sorted({environment.redis_queue for environment in environments}))
    living: dict[UUID, list[Machine]] = defaultdict(list)
    for machine in Machine.objects.filter(environment__in=environments, ended_at__isnull=True):
        living[machine.environment_id].append(machine)
    costs = costs_this_month(environments)
    return [_standing(e, living[e.pk], costs.get(e.pk, Decimal(0)), look) for e in environments]


def costs_this_month(environments: Collection[Environment]) -> dict[UUID, Decimal]:
    now = clock.now()
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    paid = Machine.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=begin),
        environment__in=environments, started_at__isnull=False, price_per_hour_usd__gt=0,
    )  # fmt: skip
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for pk, price, started_at, ended_at in paid.values_list(
        "environment_id", "price_per_hour_usd", "started_at", "ended_at"
    ):
        if started_at is not None:
            sums[pk] += cost_of(price, max(started_at, begin), ended_at or now)
    return sums


def waiting_words(environment_ids: Collection[UUID]) -> dict[UUID, str]:
    """Why a job of each waits for a machine, where the autoscaler has something to say; two queries for all of them."""
    scalable = Environment.objects.filter(pk__in=environment_ids, provider__gt="")
    scaled = dict(scalable.values_list("pk", "scale_max"))
    if not scaled:
        return {}
    since = clock.now() - FAILED_LATELY
    rows = Machine.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=since), environment_id__in=scaled
    ).values_list("environment_id", "status", "cordoned", "reason", "is_fault", "ready_at", "ended_at")
    by_environment: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_environment[row[0]].append(row)
    told = {pk: _why_waiting(by_environment[pk], maximum) for pk, maximum in scaled.items()}
    return {pk: text for pk, text in told.items() if text}


def _why_waiting(rows: Sequence[Any], maximum: int) -> str:
    counts: dict[str, int] = defaultdict(int)
    failure: tuple[datetime, str] | None = None
    ready_at: datetime | None = None
    for _, status, cordoned, reason, is_fault, was_ready_at, ended_at in rows:
        if ended_at is None:
            counts["cordoned" if cordoned and status == M.READY else status] += 1
        elif is_fault and was_ready_at is None and (failure is None or ended_at > failure[0]):
            failure = (ended_at, reason)
        if was_ready_at is not None and (ready_at is None or was_ready_at > ready_at):
            ready_at = was_ready_at
    coming = counts[M.REQUESTED] + counts[M.STARTING]
    if coming:
        number = "a machine" if coming == 1 else f"{coming} machines"
        return f"Starting {number} ({counts[M.READY]} of at most {maximum} run)."
    if failure is not None and (ready_at is None or failure[0] > ready_at):
        return f"No machine could be started: {failure[1]} It is tried again."
    if maximum == 0:
        return "The environment may have no machines: its maximum is 0."
    total = sum(counts.values())
    if total < maximum:
        return ""
    if counts["cordoned"] == total:
        return "Its machines are cordoned: they take no new jobs."
    return f"All {total} machines of the environment work; it may have no more than {maximum}."


def _standing(
    environment: Environment, machines: list[Machine], month: Decimal, look: Look | None
) -> Standing:
    counts: dict[str, int] = defaultdict(int)
    for view in views_of(machines, look, environment.queue_name):
        counts[view.state] += 1
    paid = [m for m in machines if m.started_at is not None]
    own: list[Agent] = []
    if look is not None:
        own = [
            agent
            for agent in look.agents
            if environment.queue_name in agent.queues
            and agent.machine_id is None
            and (look.now - agent.seen_at < SILENT_SECONDS or agent.identity in look.busy)
        ]
    return Standing(
        environment,
        dict(counts),
        look.waiting.get(environment.redis_queue, 0) if look else None,
        sorted(own, key=lambda agent: agent.identity),
        sum(agent.identity in look.busy for agent in own) if look else 0,
        sum((m.price_per_hour_usd for m in paid), Decimal(0)),
        month,
    )


def machine_counts() -> list[tuple[str, str, int]]:
    """(slug of the environment, status, living machines), for metrics."""
    rows = Machine.objects.filter(status__in=LIVE).values_list("environment__slug", "status")
    return [(slug, status, number) for slug, status, number in rows.annotate(number=Count("pk")).order_by()]
