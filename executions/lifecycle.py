"""The only functions that change the status of an execution.

Each is one conditional UPDATE: the row changes only when it stands in a status from which `types.TRANSITIONS` allows the
step (and, for what a worker reports, in the epoch the worker speaks for). The row count says who won a race; a function
that returns False has changed nothing. Notices leave after the commit.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When

from common import clock, notices
from common.notices import Notice
from executions.models import Execution
from executions.types import FINAL, RUNNING, WAITING, Status, sources_of

WAITS_FOR_WORKER = "Waiting for a free worker."


@transaction.atomic
def mark_queued(*, execution_ids: Iterable[UUID]) -> set[UUID]:
    """created -> queued, for many at once. Returns those that changed."""
    candidates = Execution.objects.filter(pk__in=list(execution_ids), status__in=sources_of(Status.QUEUED))
    changed = set(candidates.select_for_update(no_key=True).values_list("pk", flat=True))
    now = clock.now()
    Execution.objects.filter(pk__in=changed).update(
        status=Status.QUEUED, queued_at=now, updated_at=now, waiting_reason=WAITS_FOR_WORKER
    )
    _tell_viewers(changed)
    return changed


def mark_started(
    *, execution_id: UUID, epoch: int, worker_identity: str, variables_beside: Mapping[str, str] | None = None
) -> bool:
    """queued -> started: from now on the worker speaks for the execution, and its lost lease ends it."""
    return _swap(
        execution_id,
        Status.STARTED,
        where={"epoch": epoch},
        started_at=clock.now(),
        worker_identity=worker_identity,
        variables_beside=variables_beside,
        waiting_reason="",
    )


def mark_stopped_before_start(*, execution_id: UUID) -> bool:
    """created or queued -> stopped: no worker has begun it, so there is nothing to wait for."""
    now = clock.now()
    return _swap(
        execution_id,
        Status.STOPPED,
        where={"status__in": WAITING},
        ended_at=now,
        stop_requested_at=now,
        waiting_reason="",
    )


def mark_stopping(*, execution_id: UUID) -> bool:
    """started -> stopping: the worker is asked to end the job and keep its outputs."""
    return _swap(execution_id, Status.STOPPING, where={}, stop_requested_at=clock.now())


def mark_kill_requested(*, execution_id: UUID) -> bool:
    """Remember that a stopping execution is to end without grace. The status stays."""
    now = clock.now()
    stopping = Execution.objects.filter(
        pk=execution_id, status=Status.STOPPING, kill_requested_at__isnull=True
    )
    return stopping.update(kill_requested_at=now, updated_at=now) == 1


def mark_refused(*, execution_id: UUID, epoch: int, reason: str) -> bool:
    """queued -> error: it cannot be handed to any worker, for example because an input is gone."""
    return _swap(
        execution_id,
        Status.ERROR,
        where={"epoch": epoch, "status": Status.QUEUED},
        ended_at=clock.now(),
        error_text=reason,
        waiting_reason="",
    )


def mark_finished(
    *,
    execution_id: UUID,
    epoch: int,
    status: str,
    exit_code: int | None,
    reason: str,
    ended_at: datetime,
) -> bool:
    """started or stopping -> the final `status` that the worker (or the watchdog for it) reports.

    A stop that was asked for before this commits makes it `stopped`, whatever is reported: the two are decided by the
    row, in one statement. `reason` becomes `error_text` of an error or crash.
    """
    reported = Status(status)
    if reported not in FINAL:
        raise ValueError(f"{status} is not a final status")
    stop_won = When(status=Status.STOPPING, then=Value(Status.STOPPED.value))
    told = reason if reported in {Status.ERROR, Status.CRASHED} else ""
    running = Execution.objects.filter(pk=execution_id, epoch=epoch, status__in=RUNNING)
    changed = running.update(
        status=Case(stop_won, default=Value(reported.value)),
        error_text=Case(When(status=Status.STOPPING, then=Value("")), default=Value(told)),
        exit_code=exit_code,
        ended_at=ended_at,
        updated_at=clock.now(),
    )
    if changed:
        _announce([execution_id])
    return changed == 1


def begin_next_epoch(*, execution_id: UUID, epoch: int) -> bool:
    """Give a queued execution to the next worker: whoever took it under `epoch` can no longer claim it."""
    queued = Execution.objects.filter(pk=execution_id, epoch=epoch, status=Status.QUEUED)
    return queued.update(epoch=F("epoch") + 1, updated_at=clock.now()) == 1


def _swap(execution_id: UUID, target: Status, *, where: dict[str, Any], **fields: Any) -> bool:
    candidate = Execution.objects.filter(pk=execution_id, status__in=sources_of(target)).filter(**where)
    changed = candidate.update(status=target, updated_at=clock.now(), **fields)
    if changed:
        _announce([execution_id])
    return changed == 1


def _announce(execution_ids: Iterable[UUID]) -> None:
    """Tell whoever looks, and the scheduler: a place may have become free."""
    _tell_viewers(execution_ids)
    notices.publish_on_commit("scheduler", "wake")


def _tell_viewers(execution_ids: Iterable[UUID]) -> None:
    """Tell whoever looks at the executions or their projects."""
    rows = Execution.objects.filter(pk__in=list(execution_ids)).values_list(
        "pk", "project_id", "counter", "status"
    )
    told: list[Notice] = []
    for pk, project_id, counter, status in rows:
        told.append(Notice(f"execution:{pk}", "state"))
        facts = {"id": str(pk), "counter": counter, "status": status}
        told.append(Notice(f"project:{project_id}", "execution", facts))
    transaction.on_commit(partial(notices.publish_all, told))
