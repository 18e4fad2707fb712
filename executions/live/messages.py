"""What the live connection says of an execution, read from the database. Runs on threads, not on the event loop."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.rest.times import timestamp
from executions.api.representation import alert_count, duration_seconds
from executions.models import Execution
from executions.selectors import with_alert_count
from executions.types import INCOMPLETE

_COLUMNS = (
    "status", "status_detail", "waiting_reason", "error_text", "exit_code", "queued_at", "started_at", "ended_at",
    "log_line_count", "metadata_count", "output_count", "worker_identity",
)  # fmt: skip
_WATCHED = (*_COLUMNS, "cumulative_metadata", "latest_stats")
_ROW = (*_COLUMNS, "project_id", "counter", "title", "step", "deleted_at")
MOST_UNFINISHED = 200
MOST_RECENT = 50
RECENT = timedelta(minutes=1)
VOLATILE = frozenset({"duration", "time"})
"""Fields that differ with every look; alone they are no news."""

Messages = dict[str, dict[str, Any]]


def execution_messages(execution_id: UUID) -> Messages:
    """The messages of every type, by type; empty when the execution is gone."""
    execution = with_alert_count(Execution.objects.filter(pk=execution_id)).only(*_WATCHED).first()
    if execution is None:
        return {}
    stats = dict(execution.latest_stats)
    return {
        "state": {"type": "state", "execution": state(execution)},
        "metadata": {
            "type": "metadata",
            "count": execution.metadata_count,
            "latest": execution.cumulative_metadata,
        },
        "stats": {"type": "stats", "time": stats.pop("time", None), "values": stats},
        "outputs": {"type": "outputs", "count": execution.output_count},
    }


def state(execution: Execution) -> dict[str, Any]:
    return {
        "status": execution.status,
        "status_detail": execution.status_detail,
        "waiting_reason": execution.waiting_reason,
        "error_text": execution.error_text,
        "exit_code": execution.exit_code,
        "queued_at": timestamp(execution.queued_at),
        "started_at": timestamp(execution.started_at),
        "ended_at": timestamp(execution.ended_at),
        "duration": duration_seconds(execution),
        "log_line_count": execution.log_line_count,
        "metadata_count": execution.metadata_count,
        "output_count": execution.output_count,
        "worker_identity": execution.worker_identity,
        "alert_count": alert_count(execution),
        "time": timestamp(clock.now()),
    }


def lively_ids(project_id: UUID) -> set[UUID]:
    """The newest executions of the project that have not ended, or ended so recently that a page may not know it yet."""
    rows = Execution.objects.filter(project_id=project_id).order_by("-counter").values_list("pk", flat=True)
    recently = clock.now() - RECENT
    ended = Execution.objects.filter(project_id=project_id).order_by("-counter").values_list("pk", "ended_at")
    just_ended = {pk for pk, ended_at in ended[:MOST_RECENT] if ended_at and ended_at > recently}
    return set(rows.filter(status__in=INCOMPLETE)[:MOST_UNFINISHED]) | just_ended


def row_messages(project_id: UUID, execution_ids: Iterable[UUID]) -> Messages:
    """The messages of the project's socket, by execution id."""
    rows = Execution.objects.filter(project_id=project_id, pk__in=list(execution_ids))
    return {str(row.pk): _row(row) for row in with_alert_count(rows).only(*_ROW)}


def _row(execution: Execution) -> dict[str, Any]:
    return {
        "type": "execution",
        "id": str(execution.pk),
        "counter": execution.counter,
        "title": execution.title,
        "step": execution.step,
        "deleted": execution.deleted_at is not None,
        **state(execution),
    }


def essence(message: dict[str, Any]) -> dict[str, Any]:
    """The message without what is no news."""
    inner = message["execution"] if message["type"] == "state" else message
    return {key: value for key, value in inner.items() if key not in VOLATILE}
