"""Loads what the planner and the watchdog decide on: a query each for executions, environments and places of teams."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.lookups import IsNull

from environments.models import Environment, redis_queue
from environments.quotas import team_quotas
from executions.models import Execution
from executions.queue import Job
from executions.scheduling.limits import EnvironmentLimits, TeamKey, UserKey
from executions.scheduling.lines import WaitingExecution
from executions.scheduling.planner import Facts
from executions.types import Status


@dataclass(frozen=True, slots=True)
class UnfinishedExecution:
    id: UUID
    status: str
    epoch: int
    environment_id: UUID
    queue_name: str
    """As it is called in Redis."""
    user: UserKey
    priority: int
    created_at: datetime
    waiting_reason: str
    worker_identity: str
    kill_requested: bool
    team: TeamKey = None

    @property
    def job(self) -> Job:
        return Job(self.id, self.epoch, self.queue_name, self.priority)


def load_unfinished() -> list[UnfinishedExecution]:
    """Every execution without an end, oldest first."""
    rows: Any = Execution.objects.filter(ended_at__isnull=True).values_list(
        "pk", "status", "epoch", "environment_id", "environment__queue_name", "creator_id", "priority",
        "created_at", "waiting_reason", "worker_identity", IsNull(F("kill_requested_at"), False), "quota_team_id",
        "environment__kind",
    )  # fmt: skip
    found = [_in_redis_queue(UnfinishedExecution(*row), kind) for *row, kind in rows]
    return sorted(found, key=lambda e: (e.created_at, e.id.int))


def _in_redis_queue(execution: UnfinishedExecution, kind: str) -> UnfinishedExecution:
    name = redis_queue(kind, execution.queue_name)
    return execution if name == execution.queue_name else replace(execution, queue_name=name)


def planning_facts(
    unfinished: list[UnfinishedExecution], served: Mapping[tuple[UUID, UserKey], datetime]
) -> Facts:
    """`served`: when users last got a place, see `planner.served_after`."""
    waiting = tuple(
        WaitingExecution(e.id, e.environment_id, e.user, e.priority, e.created_at, e.team)
        for e in unfinished
        if e.status == Status.CREATED
    )
    if not waiting:
        return Facts(waiting=(), environments={})
    admitted = Counter((e.environment_id, e.user, e.team) for e in unfinished if e.status != Status.CREATED)
    return Facts(waiting, _limits({e.environment_id for e in waiting}), admitted, served)


def _limits(environment_ids: set[UUID]) -> dict[UUID, EnvironmentLimits]:
    environments = Environment.objects.filter(pk__in=environment_ids)
    teams = team_quotas(environments)
    return {
        e.pk: EnvironmentLimits(e.pk, e.name, e.enabled, e.max_running, e.per_user_queue_quota, teams[e.pk])
        for e in environments
    }
