"""Says why a queued execution is not picked up: every worker is busy, or none serves its queue."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common.redis import client
from executions.lifecycle import WAITS_FOR_WORKER
from executions.scheduling.facts import UnfinishedExecution
from executions.types import Status
from peon.protocol import keys

PATIENCE = timedelta(seconds=10)
"""An idle worker picks a job up at once; before this nothing is worth a remark."""
SILENT_AFTER_SECONDS = 60
_MILLISECONDS_SINCE = 10**11


def waits_long(execution: UnfinishedExecution, now: datetime) -> bool:
    return execution.status == Status.QUEUED and now - execution.created_at > PATIENCE


def reasons(executions: Iterable[UnfinishedExecution], served: frozenset[str]) -> dict[UUID, str]:
    return {
        execution.id: WAITS_FOR_WORKER if execution.queue_name in served else no_worker(execution.queue_name)
        for execution in executions
    }


def no_worker(queue_name: str) -> str:
    return f"No worker serves the queue '{queue_name}' at the moment. Start one, or stop this and choose another environment."


def served_queues(now: datetime, queue_names: Iterable[str]) -> frozenset[str]:
    """Which of the queues have workers that were heard of lately. Agents of before say hello in one place for all."""
    names = list(queue_names)
    pipe = client().pipeline(transaction=False)
    pipe.hvals(keys.WORKERS)
    for name in names:
        pipe.hvals(keys.queue_workers(name))
    before, *by_queue = pipe.execute()
    # Whatever an agent says of itself, it is heard in its own queue only.
    own = [
        {**_parsed(text), "queues": [name]}
        for name, texts in zip(names, by_queue, strict=True)
        for text in texts
    ]
    return served_among([*map(_parsed, before), *own], now.timestamp())


def served_among(workers: Iterable[Mapping[str, Any]], now_seconds: float) -> frozenset[str]:
    return frozenset(
        str(name)
        for worker in workers
        if now_seconds - _seconds(worker.get("seen_at")) < SILENT_AFTER_SECONDS
        for name in worker.get("queues") or []
    )


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        worker = json.loads(text)
    except ValueError:
        return {}
    return worker if isinstance(worker, dict) else {}


def _seconds(seen_at: Any) -> float:
    """Unix time; agents write seconds or milliseconds."""
    if not isinstance(seen_at, int | float):
        return 0.0
    return seen_at / 1000 if seen_at > _MILLISECONDS_SINCE else float(seen_at)
