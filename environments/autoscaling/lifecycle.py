"""The only functions that change the status of a machine.

Each is one conditional UPDATE: the row changes only when it stands in a status from which `types.TRANSITIONS` allows the
step. The row count says who won.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

from common import clock
from environments.autoscaling.models import Machine
from environments.autoscaling.types import MachineStatus, sources_of


def mark_starting(
    *, machine_id: UUID, provider_id: str, zone: str = "", spot: bool = False, price: Decimal | None = None
) -> bool:
    """requested -> starting: the provider has it, and it costs from now on."""
    priced = {} if price is None else {"price_per_hour_usd": price}
    named = {"provider_id": provider_id[:255], "zone": zone[:64], "spot": spot}
    return _swap([machine_id], MachineStatus.STARTING, started_at=clock.now(), **named, **priced) == 1


def note_started(*, machine_id: UUID, provider_id: str) -> bool:
    """The provider started a machine that is no longer wanted: it has to be known to be ended."""
    leaving = Machine.objects.filter(pk=machine_id, ended_at__isnull=True, started_at__isnull=True)
    now = clock.now()
    return leaving.update(provider_id=provider_id[:255], started_at=now, updated_at=now) == 1


def mark_ready(*, machine_ids: Collection[UUID]) -> int:
    """starting -> ready: their agents were heard. How many changed."""
    return _swap(machine_ids, MachineStatus.READY, ready_at=clock.now())


def mark_draining(
    *, machine_ids: Collection[UUID], reason: str, is_fault: bool = False, stop_jobs: bool = False
) -> int:
    """They take no new job, and end when they have none; with `stop_jobs` the jobs are asked to end."""
    stop = {"stop_jobs": True} if stop_jobs else {}
    return _swap(machine_ids, MachineStatus.DRAINING, reason=reason, is_fault=is_fault, **stop)


def mark_terminating(*, machine_ids: Collection[UUID]) -> int:
    """draining -> terminating: no agent on them has a job or takes one. The provider is told to end them."""
    return _swap(machine_ids, MachineStatus.TERMINATING)


def mark_ended(*, machine_ids: Collection[UUID], status: MachineStatus, reason: str = "") -> int:
    """They are no more, or never were. Without a `reason` the one that they have stays."""
    told = {"reason": reason} if reason else {}
    fault = {} if status is MachineStatus.GONE else {"is_fault": True}
    return _swap(machine_ids, status, ended_at=clock.now(), idle_since=None, **told, **fault)


def _swap(machine_ids: Collection[UUID], to: MachineStatus, **fields: Any) -> int:
    standing = Machine.objects.filter(pk__in=machine_ids, status__in=sources_of(to))
    return standing.update(status=to, updated_at=clock.now(), **fields)
