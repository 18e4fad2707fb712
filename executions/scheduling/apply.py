"""Carries decisions out: rows first, then the queue, so that a crash between the two leaves only a row to repair."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from common import notices
from executions import lifecycle, queue
from executions.models import Execution
from executions.scheduling.facts import UnfinishedExecution
from executions.scheduling.planner import Decisions

BATCH = 500


def apply_decisions(decisions: Decisions, unfinished: list[UnfinishedExecution]) -> None:
    """Raises `redis.RedisError` when the queue is away: the rows stay queued and the watchdog enqueues them."""
    by_id = {execution.id: execution for execution in unfinished}
    enqueue_all([by_id[pk] for pk in decisions.enqueue])
    write_reasons(decisions.waiting_reasons, by_id)


def enqueue_all(executions: list[UnfinishedExecution]) -> None:
    for start in range(0, len(executions), BATCH):
        batch = executions[start : start + BATCH]
        changed = lifecycle.mark_queued(execution_ids=[execution.id for execution in batch])
        for execution in batch:
            if execution.id in changed:
                queue.enqueue(execution.job)


def write_reasons(reasons: Mapping[UUID, str], by_id: Mapping[UUID, UnfinishedExecution]) -> None:
    """Save the reasons that changed, one statement per wording."""
    changed: dict[str, list[UUID]] = defaultdict(list)
    for pk, reason in reasons.items():
        if by_id[pk].waiting_reason != reason:
            changed[reason].append(pk)
    for reason, ids in changed.items():
        Execution.objects.filter(pk__in=ids, ended_at__isnull=True, started_at__isnull=True).update(
            waiting_reason=reason
        )
        for pk in ids:
            notices.publish(f"execution:{pk}", "state")
