"""The only functions that change the status of a machine.

Each is one conditional UPDATE: the row changes only when it stands in a status from which `types.TRANSITIONS` allows the
step. The row count says who won; a function that returns False has changed nothing.
"""

from datetime import datetime
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
    return _swap(
        machine_id, MachineStatus.STARTING,
        provider_id=provider_id[:255], zone=zone[:64], spot=spot, started_at=clock.now(), **priced,
    )  # fmt: skip


def note_started(*, machine_id: UUID, provider_id: str) -> bool:
    """The provider started a machine that is no longer wanted: it has to be known to be ended."""
    leaving = Machine.objects.filter(pk=machine_id, ended_at__isnull=True, started_at__isnull=True)
    now = clock.now()
    return leaving.update(provider_id=provider_id[:255], started_at=now, updated_at=now) == 1


def mark_ready(*, machine_id: UUID) -> bool:
    """starting -> ready: its agent was heard."""
    return _swap(machine_id, MachineStatus.READY, ready_at=clock.now())


def mark_draining(*, machine_id: UUID, reason: str, is_fault: bool = False) -> bool:
    """It takes no new job, and ends when it has none."""
    return _swap(machine_id, MachineStatus.DRAINING, reason=reason, is_fault=is_fault)


def mark_terminating(*, machine_id: UUID) -> bool:
    """draining -> terminating: no agent on it has a job or takes one. The provider is told to end it."""
    return _swap(machine_id, MachineStatus.TERMINATING)


def mark_ended(
    *, machine_id: UUID, status: MachineStatus, reason: str = "", ended_at: datetime | None = None
) -> bool:
    """It is no more, or never was. `reason` is kept when the row has one already."""
    told = {"reason": reason} if reason else {}
    fault = {"is_fault": True} if status is not MachineStatus.GONE else {}
    return _swap(machine_id, status, ended_at=ended_at or clock.now(), idle_since=None, **told, **fault)


def _swap(machine_id: UUID, to: MachineStatus, **fields: Any) -> bool:
    standing = Machine.objects.filter(pk=machine_id, status__in=sources_of(to))
    return standing.update(status=to, updated_at=clock.now(), **fields) == 1
