"""The queue and the leases in Redis, as the server uses them. The scripts are the agent protocol's."""

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from common.redis import client
from executions.models import Execution
from peon.protocol import keys, scripts

CONTROL_LIFETIME_SECONDS = 3600
"""Wishes are repeated by the watchdog; the lifetime only keeps forgotten ones from staying for ever."""


FAILING_SECONDS = 15 * 60
FAILING_TIMES = 20
"""A job whose claims fail for something that may heal is given up after so long and so many of them."""


@dataclass(frozen=True)
class Job:
    """One attempt at one execution, and the queue it belongs to."""

    execution_id: UUID
    epoch: int
    queue_name: str
    priority: int = 0
    turn: int = 0
    """How many older jobs of the same user stand in this queue and priority; only counts when it is enqueued."""

    @property
    def member(self) -> str:
        return str(keys.job_member(self.execution_id, self.epoch))


def job_of(execution: Execution) -> Job:
    return Job(execution.pk, execution.epoch, execution.environment.redis_queue, execution.priority)


def job_token(execution_id: UUID, epoch: int) -> str:
    """The secret that lets a worker speak for this attempt. Computed, never stored."""
    message = f"job:{execution_id}:{epoch}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


def enqueue(job: Job) -> bool:
    """Put the attempt into its queue. False when it stood there already."""
    return enqueue_all([job])[0]


def enqueue_all(jobs: Sequence[Job]) -> list[bool]:
    """`enqueue` for many in one go."""
    pipe = client().pipeline(transaction=False)
    script = _script(scripts.ENQUEUE)
    for job in jobs:
        name = job.queue_name
        redis_keys = [
            keys.queue(name), keys.queue_tokens(name), keys.queue_wake(name), keys.queue_bell(name),
        ]  # fmt: skip
        script(redis_keys, [job.member, _token(job), job.priority, job.turn], client=pipe)
    return [bool(added) for added in pipe.execute()]


def remove(job: Job) -> bool:
    """Take the attempt out of its queue. False when a worker has it already."""
    redis_keys = [keys.queue(job.queue_name), keys.queue_tokens(job.queue_name)]
    return bool(_script(scripts.REMOVE)(redis_keys, [job.member]))


def request_stop(execution_id: UUID, *, kill: bool) -> None:
    """Leave word for the worker; it reads it with its next heartbeat."""
    client().set(keys.control(str(execution_id)), "kill" if kill else "stop", ex=CONTROL_LIFETIME_SECONDS)


def fence(job: Job) -> None:
    """Refuse whatever this attempt still says, and end its lease."""
    for leases, holders in _lease_keys(job.queue_name):
        redis_keys = [keys.events_head(str(job.execution_id)), leases, holders]
        _script(scripts.FENCE)(redis_keys, [job.epoch + 1, job.member])


def has_failed_for_long(execution_id: UUID) -> bool:
    """Count one more claim that failed for something that may heal; whether to wait no longer. False while Redis is away."""
    key = f"vh:failing:{execution_id}"
    pipe = client().pipeline()
    pipe.hsetnx(key, "since", str(time.time()))
    pipe.hincrby(key, "times", 1)
    pipe.hget(key, "since")
    pipe.expire(key, FAILING_SECONDS + CONTROL_LIFETIME_SECONDS)
    try:
        _, times, since, _ = pipe.execute()
    except redis.RedisError:
        return False
    return bool(times >= FAILING_TIMES and time.time() - float(since) >= FAILING_SECONDS)


def open_events(execution: Execution) -> None:
    """Say where the next event of this attempt belongs."""
    _script(scripts.OPEN_EVENTS)(
        [keys.events_head(str(execution.pk))],
        [execution.epoch, execution.next_seq, execution.log_line_count],
    )


def release(queue_name: str, members: Iterable[str]) -> None:
    """End leases of jobs of the queue."""
    for member in members:
        for leases, holders in _lease_keys(queue_name):
            _script(scripts.RELEASE)([leases, holders], [member])


def expired_leases(queue_name: str, now_ms: int) -> list[str]:
    """Members whose lease is over; those of agents of before are among them whatever their queue."""
    pipe = client().pipeline(transaction=False)
    for leases, _ in _lease_keys(queue_name):
        pipe.zrangebyscore(leases, "-inf", now_ms)
    return [member.decode() for found in pipe.execute() for member in found]


def clear(job: Job) -> None:
    """Forget what a finished execution left beside its events: its queue entry, its lease, the wish to stop."""
    if remove(job) and job.queue_name.endswith(keys.DISPATCHED_SUFFIX):
        # The dispatcher is to take it back from its cluster.
        client().zadd(keys.queue_bell(job.queue_name), {job.member: 0})
    release(job.queue_name, [job.member])
    client().delete(keys.control(str(job.execution_id)))


@dataclass(frozen=True)
class Evidence:
    """What Redis knows of some jobs, read in one go. Times are Redis's own, in milliseconds."""

    now_ms: int
    uptime_seconds: int
    waiting: frozenset[str]
    leases: dict[str, int]
    run_id: str = ""
    """Another one after each start of Redis, and of the replica that took over."""

    def is_leased(self, member: str) -> bool:
        return self.leases.get(member, 0) > self.now_ms


def read_evidence(jobs: Sequence[Job]) -> Evidence:
    """Which of `jobs` wait in their queue, and the leases of their queues."""
    by_queue: dict[str, list[str]] = {}
    for job in jobs:
        by_queue.setdefault(job.queue_name, []).append(job.member)
    pipe = client().pipeline(transaction=False)
    pipe.time()
    pipe.info("server")
    for queue, members in by_queue.items():
        pipe.zmscore(keys.queue(queue), members)
    # After the queues: a job that is claimed meanwhile stands in both answers, and not in neither.
    for leases in (keys.LEASES, *map(keys.queue_leases, by_queue)):
        pipe.zrange(leases, 0, -1, withscores=True)
    (seconds, microseconds), server, *answers = pipe.execute()
    scores, leased = answers[: len(by_queue)], answers[len(by_queue) :]
    waiting = {
        member
        for members, found in zip(by_queue.values(), scores, strict=True)
        for member, score in zip(members, found, strict=True)
        if score is not None
    }
    return Evidence(
        now_ms=seconds * 1000 + microseconds // 1000,
        uptime_seconds=int(server["uptime_in_seconds"]),
        waiting=frozenset(waiting),
        leases={member.decode(): int(score) for found in leased for member, score in found},
        run_id=str(server["run_id"]),
    )


def waiting_members(queue_name: str) -> list[str]:
    """Every entry of a queue, first to be claimed first."""
    entries: Any = client().zrange(keys.queue(queue_name), 0, -1)
    return [member.decode() for member in entries]


def drop_entries(queue_name: str, members: Sequence[str]) -> None:
    """Take entries out of a queue that belong to nothing any more."""
    pipe = client().pipeline(transaction=False)
    for member in members:
        pipe.zrem(keys.queue(queue_name), member)
        pipe.hdel(keys.queue_tokens(queue_name), member)
    pipe.execute()


def queue_position(job: Job) -> int | None:
    """How many are claimed before it; None when it does not wait in the queue, or Redis is away."""
    try:
        rank: Any = client().zrank(keys.queue(job.queue_name), job.member)
    except redis.RedisError:
        return None
    return rank if rank is None else int(rank)


def _lease_keys(queue_name: str) -> list[tuple[str, str]]:
    """Where agents keep leases and their holders: each queue for itself, those of before all in one place."""
    own = (keys.queue_leases(queue_name), keys.queue_holders(queue_name))
    return [own, (keys.LEASES, keys.LEASE_HOLDERS)]


def _token(job: Job) -> str:
    return job_token(job.execution_id, job.epoch)


@lru_cache
def _script(source: str) -> Any:
    return client().register_script(source)
