"""Compares what the database says of unfinished executions with what Redis shows, and repairs the difference.

- queued, in no queue and under no lease: Redis lost it; it is enqueued again
- queued under an expired lease: the worker died between pop and claim; the next epoch is enqueued
- started or stopping without a living lease: the worker is lost; what it had reported is folded in and it is ended
- stopping: the wish to stop stands in Redis, whatever happened to Redis

`examine` decides and is pure; `carry_out` acts. A lease is only believed to be gone when it was seen gone for a while:
Redis may have restarted, been flushed or been away, and every living worker takes its lease again with the next heartbeat.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import redis
from django.conf import settings
from django.db import DatabaseError

from executions import lifecycle, queue
from executions.logs.ingest import close_abandoned
from executions.queue import Evidence
from executions.scheduling.facts import UnfinishedExecution
from executions.scheduling.turns import with_turns
from executions.types import RUNNING, Status

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 20
NEVER_BEGAN = (
    f"{MOST_ATTEMPTS} times a worker took this execution and was lost before it began. "
    "Look at the workers' logs, then run it again."
)


@dataclass(frozen=True)
class Patience:
    """How long a missing sign of life is tolerated after it was first noticed, in seconds."""

    expired: float
    missing: float

    @classmethod
    def from_settings(cls) -> "Patience":
        return cls(expired=2 * settings.HEARTBEAT_SECONDS, missing=settings.LEASE_SECONDS)


@dataclass(frozen=True)
class Findings:
    reenqueue: tuple[UnfinishedExecution, ...] = ()
    next_epoch: tuple[UnfinishedExecution, ...] = ()
    abandoned: tuple[UnfinishedExecution, ...] = ()
    stop: tuple[UnfinishedExecution, ...] = ()
    suspects: Mapping[str, float] = field(default_factory=dict)
    """Job member -> when its lease was first seen gone, to be passed to the next examination."""


def examine(
    unfinished: Sequence[UnfinishedExecution],
    evidence: Evidence,
    suspects: Mapping[str, float],
    *,
    now: float,
    patience: Patience,
) -> Findings:
    """`now` and the times in `suspects` are seconds of one monotonic clock."""
    running = [e for e in unfinished if e.status in RUNNING]
    gone = [e for e in running if not evidence.is_leased(e.job.member)]
    # A Redis that has just come up shows leases as they were when it went away.
    still = {} if evidence.uptime_seconds < patience.missing else suspects
    since = {e.job.member: still.get(e.job.member, now) for e in gone}
    queued = [e for e in unfinished if e.status == Status.QUEUED and e.job.member not in evidence.waiting]
    return Findings(
        reenqueue=tuple(e for e in queued if e.job.member not in evidence.leases),
        next_epoch=tuple(e for e in queued if 0 < evidence.leases.get(e.job.member, 0) <= evidence.now_ms),
        abandoned=tuple(e for e in gone if now - since[e.job.member] >= _tolerance(e, evidence, patience)),
        stop=tuple(e for e in running if e.status == Status.STOPPING),
        suspects=since,
    )


def _tolerance(execution: UnfinishedExecution, evidence: Evidence, patience: Patience) -> float:
    return patience.expired if execution.job.member in evidence.leases else patience.missing


def carry_out(findings: Findings) -> None:
    _enqueue_again(findings.reenqueue)
    for execution in findings.next_epoch:
        _hand_to_next_worker(execution)
    for execution in findings.stop:
        queue.request_stop(execution.id, kill=execution.kill_requested)
    for execution in findings.abandoned:
        try:
            _close(execution)
        except (redis.RedisError, DatabaseError):
            raise
        except Exception:  # one execution that cannot be closed must not keep the others from it
            logger.exception("lost execution could not be closed", extra={"execution": str(execution.id)})


def _enqueue_again(missing: Sequence[UnfinishedExecution]) -> None:
    jobs = with_turns(missing)
    for job, added in zip(jobs, queue.enqueue_all(jobs), strict=True):
        if added:
            logger.warning(
                "queued execution was missing from Redis", extra={"execution": str(job.execution_id)}
            )


def _hand_to_next_worker(execution: UnfinishedExecution) -> None:
    queue.release(execution.queue_name, [execution.job.member])
    if execution.epoch + 1 >= MOST_ATTEMPTS:
        lifecycle.mark_refused(execution_id=execution.id, epoch=execution.epoch, reason=NEVER_BEGAN)
        return
    if lifecycle.begin_next_epoch(execution_id=execution.id, epoch=execution.epoch):
        logger.warning("worker died before it began; queued again", extra={"execution": str(execution.id)})
        job = queue.Job(execution.id, execution.epoch + 1, execution.queue_name, execution.priority)
        queue.enqueue(job)


def _close(execution: UnfinishedExecution) -> None:
    logger.warning("worker lost", extra={"execution": str(execution.id), "worker": execution.worker_identity})
    worker = execution.worker_identity or "that ran this"
    close_abandoned(
        execution_id=execution.id,
        epoch=execution.epoch,
        message=f"Lost contact with the worker {worker}: no sign of life for {settings.LEASE_SECONDS} seconds "
        "or more. The machine or its agent may have died. What it had reported is kept.",
    )


def sweep(unfinished: Sequence[UnfinishedExecution], evidence: Evidence, queue_names: Sequence[str]) -> None:
    """Remove leases and queue entries that belong to no unfinished execution any more."""
    living = {execution.job.member for execution in unfinished}
    for name in queue_names:
        expired = queue.expired_leases(name, evidence.now_ms)
        queue.release(name, [member for member in expired if member not in living])
        lingering = [member for member in queue.waiting_members(name) if member not in living]
        if lingering:
            queue.drop_entries(name, lingering)
