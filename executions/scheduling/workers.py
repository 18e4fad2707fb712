"""Says why a queued execution is not picked up: a machine is being started, every worker is busy, or none serves its queue."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from environments.hellos import heard
from executions.lifecycle import WAITS_FOR_WORKER
from executions.scheduling.facts import UnfinishedExecution
from executions.types import Status
from peon.protocol import keys

WAITS_FOR_DISPATCHER = "Waiting to be handed to the cluster."
PATIENCE = timedelta(seconds=10)
"""An idle worker picks a job up at once; before this nothing is worth a remark."""
SILENT_AFTER_SECONDS = 60
_MILLISECONDS_SINCE = 10**11


def waits_long(execution: UnfinishedExecution, now: datetime) -> bool:
    return execution.status == Status.QUEUED and now - execution.created_at > PATIENCE


def reasons(
    executions: Iterable[UnfinishedExecution], served: frozenset[str], machines: Mapping[UUID, str]
) -> dict[UUID, str]:
    """`machines`: environment -> what its autoscaler says of jobs that wait."""
    return {execution.id: _reason(execution, served, machines) for execution in executions}


def _reason(execution: UnfinishedExecution, served: frozenset[str], machines: Mapping[UUID, str]) -> str:
    if execution.environment_id in machines:
        return machines[execution.environment_id]
    return _while_served(execution) if execution.queue_name in served else no_worker(execution.queue_name)


def _while_served(execution: UnfinishedExecution) -> str:
    """A dispatcher knows better what its cluster makes a job wait for, and says so itself."""
    if not execution.queue_name.endswith(keys.DISPATCHED_SUFFIX):
        return WAITS_FOR_WORKER
    was_alone = execution.waiting_reason == no_worker(execution.queue_name)
    return WAITS_FOR_DISPATCHER if was_alone else execution.waiting_reason


def no_worker(queue_name: str) -> str:
    if queue_name.endswith(keys.DISPATCHED_SUFFIX):
        name = queue_name[: -len(keys.DISPATCHED_SUFFIX)]
        return f"No dispatcher hands over the queue '{name}' at the moment. Start one beside the cluster, or stop this and choose another environment."
    return f"No worker serves the queue '{queue_name}' at the moment. Start one, or stop this and choose another environment."


def served_queues(now: datetime, queue_names: Iterable[str]) -> frozenset[str]:
    """Which of the queues have workers that were heard of lately."""
    names = list(queue_names)
    found = [{**(hello.said or {}), "queues": hello.queues} for hello in heard(names)]
    return served_among(found, now.timestamp())


def served_among(workers: Iterable[Mapping[str, Any]], now_seconds: float) -> frozenset[str]:
    return frozenset(
        str(name)
        for worker in workers
        if now_seconds - _seconds(worker.get("seen_at")) < SILENT_AFTER_SECONDS
        for name in worker.get("queues") or []
    )


def _seconds(seen_at: Any) -> float:
    """Unix time; agents write seconds or milliseconds."""
    if not isinstance(seen_at, int | float):
        return 0.0
    return seen_at / 1000 if seen_at > _MILLISECONDS_SINCE else float(seen_at)
