"""Carries decisions out: rows first, then the queue, so that a crash between the two leaves only a row to repair."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import connection

from common import notices
from executions import lifecycle, queue
from executions.scheduling.facts import UnfinishedExecution
from executions.scheduling.planner import Decisions
from executions.scheduling.turns import with_turns
from executions.types import Status

BATCH = 1000

_WRITE_REASONS = """
UPDATE executions_execution AS execution SET waiting_reason = told.reason
FROM unnest(%s::uuid[], %s::text[]) AS told (id, reason)
WHERE execution.id = told.id AND execution.ended_at IS NULL AND execution.started_at IS NULL
"""


def apply_decisions(decisions: Decisions, unfinished: Sequence[UnfinishedExecution]) -> None:
    """Raises `redis.RedisError` when the queue is away: the rows stay queued and the watchdog enqueues them."""
    if decisions.enqueue:
        enqueue_all(decisions.enqueue, unfinished)
    write_reasons(decisions.waiting_reasons, unfinished)


def enqueue_all(chosen: Sequence[UUID], unfinished: Iterable[UnfinishedExecution]) -> None:
    new = frozenset(chosen)
    jobs = {
        job.execution_id: job
        for job in with_turns(e for e in unfinished if e.status == Status.QUEUED or e.id in new)
    }
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        changed = lifecycle.mark_queued(execution_ids=batch)
        queue.enqueue_all([jobs[pk] for pk in batch if pk in changed])


def write_reasons(reasons: Mapping[UUID, str], unfinished: Iterable[UnfinishedExecution]) -> None:
    """Save the reasons that changed: one statement, however many there are and however they differ."""
    changed = {
        e.id: reasons[e.id] for e in unfinished if reasons.get(e.id, e.waiting_reason) != e.waiting_reason
    }
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_REASONS, [[str(pk) for pk in changed], list(changed.values())])
    notices.publish_all([notices.Notice(f"execution:{pk}", "state") for pk in changed])
