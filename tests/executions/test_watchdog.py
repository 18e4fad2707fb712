"""The watchdog: what it concludes from database and Redis, and what it does about it."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.redis import client
from executions import queue
from executions.models import Execution
from executions.queue import Evidence
from executions.scheduling import watchdog
from executions.scheduling.facts import UnfinishedExecution, load_unfinished
from executions.scheduling.watchdog import Patience, examine
from executions.types import Status
from peon.protocol import keys, scripts
from tests.support.factories import make_environment, make_execution

PATIENCE = Patience(expired=4, missing=15)
NOW_MS = 1_000_000


def unfinished(status: Status, number: int = 1, **fields: object) -> UnfinishedExecution:
    facts = {
        "id": uuid.UUID(int=number), "status": status, "epoch": 0, "environment_id": uuid.UUID(int=9),
        "queue_name": "local", "user": 1, "priority": 0, "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "waiting_reason": "", "worker_identity": "w", "kill_requested": False,
    }  # fmt: skip
    return UnfinishedExecution(**{**facts, **fields})


def evidence(
    *, waiting: tuple[UnfinishedExecution, ...] = (), leases: dict | None = None, uptime: int = 1000
) -> Evidence:
    held = {execution.job.member: NOW_MS + ms for execution, ms in (leases or {}).items()}
    return Evidence(NOW_MS, uptime, frozenset(e.job.member for e in waiting), held)


def after(seconds: float, execution: UnfinishedExecution, **known: object) -> watchdog.Findings:
    """What is found when the same has been seen for `seconds`."""
    first = examine([execution], evidence(**known), {}, now=100, patience=PATIENCE)
    return examine([execution], evidence(**known), first.suspects, now=100 + seconds, patience=PATIENCE)


QUEUED = unfinished(Status.QUEUED)
STARTED = unfinished(Status.STARTED)
STOPPING = unfinished(Status.STOPPING, kill_requested=True)


def test_queued_and_in_the_queue_is_fine():
    assert examine([QUEUED], evidence(waiting=(QUEUED,)), {}, now=0, patience=PATIENCE) == watchdog.Findings()


def test_queued_and_claimed_a_moment_ago_is_fine():
    assert (
        examine([QUEUED], evidence(leases={QUEUED: 100}), {}, now=0, patience=PATIENCE) == watchdog.Findings()
    )


def test_queued_but_unknown_to_redis_is_enqueued_again_at_once():
    assert examine([QUEUED], evidence(), {}, now=0, patience=PATIENCE).reenqueue == (QUEUED,)


def test_queued_under_an_expired_lease_goes_to_the_next_worker():
    found = examine([QUEUED], evidence(leases={QUEUED: -1}), {}, now=0, patience=PATIENCE)
    assert found.next_epoch == (QUEUED,)
    assert not found.reenqueue


def test_running_under_a_lease_is_fine():
    assert not after(1000, STARTED, leases={STARTED: 1}).abandoned


@pytest.mark.parametrize(("seconds", "lost"), [(3.9, False), (4, True)])
def test_expired_lease_is_believed_after_two_heartbeats(seconds: float, lost: bool):
    assert bool(after(seconds, STARTED, leases={STARTED: -1}).abandoned) == lost


@pytest.mark.parametrize(("seconds", "lost"), [(14.9, False), (15, True)])
def test_missing_lease_is_believed_after_the_lease_time(seconds: float, lost: bool):
    assert bool(after(seconds, STARTED).abandoned) == lost


def test_lease_of_an_older_attempt_does_not_count():
    assert after(15, replace(STARTED, epoch=1), leases={STARTED: 10_000}).abandoned


def test_redis_that_just_came_up_is_not_believed():
    assert not after(1000, STARTED, leases={STARTED: -60_000}, uptime=3).abandoned


def test_a_lease_that_comes_back_clears_the_suspicion():
    first = examine([STARTED], evidence(), {}, now=100, patience=PATIENCE)
    second = examine([STARTED], evidence(leases={STARTED: 1}), first.suspects, now=110, patience=PATIENCE)
    assert not second.suspects
    third = examine([STARTED], evidence(), second.suspects, now=116, patience=PATIENCE)
    assert not third.abandoned


def test_the_wish_to_stop_is_repeated_every_time():
    found = examine([STOPPING, STARTED], evidence(leases={STOPPING: 1}), {}, now=0, patience=PATIENCE)
    assert found.stop == (STOPPING,)


def test_noticed_within_thirty_seconds(settings):
    """Lease, two heartbeats of patience, and two rounds in which it is seen."""
    patience = Patience.from_settings()
    assert settings.LEASE_SECONDS + patience.expired + 2 * 2.0 <= 30


statuses = st.sampled_from([Status.CREATED, Status.QUEUED, Status.STARTED, Status.STOPPING])
situations = st.lists(
    st.tuples(statuses, st.sampled_from(["queue", "lease", "expired", "nothing"]), st.floats(0, 40)),
    max_size=8,
)


@given(situations, st.integers(0, 60))
def test_every_execution_gets_at_most_one_treatment_and_the_healthy_none(found: list, uptime: int):
    rows = [unfinished(status, n + 1) for n, (status, _, _) in enumerate(found)]
    known = evidence(
        waiting=tuple(row for row, (_, where, _) in zip(rows, found, strict=True) if where == "queue"),
        leases={
            row: 5 if where == "lease" else -5
            for row, (_, where, _) in zip(rows, found, strict=True)
            if where in {"lease", "expired"}
        },
        uptime=uptime,
    )
    suspects = {row.job.member: 100 - age for row, (_, _, age) in zip(rows, found, strict=True)}
    result = examine(rows, known, suspects, now=100, patience=PATIENCE)
    treated = [*result.reenqueue, *result.next_epoch, *result.abandoned]
    assert len(treated) == len(set(treated))
    for row, (status, where, age) in zip(rows, found, strict=True):
        if where == "lease" or status == Status.CREATED or (where == "queue" and status == Status.QUEUED):
            assert row not in treated
        if row in result.abandoned:
            assert uptime >= PATIENCE.missing
            assert age >= PATIENCE.expired
        if status == Status.QUEUED and where in {"expired", "nothing"}:
            assert row in treated


def claim(queue_name: str, *, lease_ms: int = 15_000) -> str | None:
    redis_keys = [
        keys.queue_leases(queue_name), keys.queue_holders(queue_name), keys.queue_wishes(queue_name),
        keys.queue(queue_name), keys.queue_tokens(queue_name),
    ]  # fmt: skip
    answer = client().register_script(scripts.CLAIM)(redis_keys, ["worker", lease_ms])
    return answer[0].decode() if answer else None


def look() -> None:
    """One comparison with everything that Redis knows."""
    rows = load_unfinished()
    known = queue.read_evidence([row.job for row in rows])
    watchdog.carry_out(examine(rows, replace(known, uptime_seconds=1000), {}, now=0, patience=PATIENCE))


@pytest.mark.django_db
def test_a_flushed_redis_is_filled_again_in_the_old_order():
    environment = make_environment("gpu")
    first, second = (make_execution(status=Status.QUEUED, environment=environment) for _ in range(2))
    urgent = make_execution(status=Status.QUEUED, environment=environment, priority=1)
    for execution in (first, second, urgent):
        queue.enqueue(queue.job_of(execution))
    client().flushdb()
    look()
    look()
    assert [claim("gpu") for _ in range(4)] == [
        *(queue.job_of(execution).member for execution in (urgent, first, second)),
        None,
    ]


@pytest.mark.django_db
def test_worker_that_dies_between_pop_and_claim_costs_only_its_lease():
    execution = make_execution(status=Status.QUEUED, environment=make_environment("gpu"))
    queue.enqueue(queue.job_of(execution))
    old = claim("gpu", lease_ms=-1)
    look()
    execution.refresh_from_db()
    assert (execution.status, execution.epoch) == (Status.QUEUED, 1)
    assert claim("gpu") == queue.job_of(execution).member != old
    assert set(queue.read_evidence([queue.job_of(execution)]).leases) == {queue.job_of(execution).member}


@pytest.mark.django_db
def test_a_job_that_kills_its_workers_before_it_begins_is_not_handed_out_for_ever():
    execution = make_execution(
        status=Status.QUEUED, environment=make_environment("gpu"), epoch=watchdog.MOST_ATTEMPTS - 1
    )
    queue.enqueue(queue.job_of(execution))
    claim("gpu", lease_ms=-1)
    look()
    execution.refresh_from_db()
    assert (execution.status, execution.error_text) == (Status.ERROR, watchdog.NEVER_BEGAN)
    assert claim("gpu") is None


@pytest.mark.django_db
def test_the_wish_to_stop_survives_a_flush():
    execution = make_execution(status=Status.STOPPING)
    look()
    assert client().get(keys.control(str(execution.pk))) == b"stop"
    Execution.objects.filter(pk=execution.pk).update(kill_requested_at=execution.created_at)
    look()
    assert client().get(keys.control(str(execution.pk))) == b"kill"


@pytest.mark.django_db
def test_what_belongs_to_nothing_any_more_is_swept():
    environment = make_environment("gpu")
    living = make_execution(status=Status.QUEUED, environment=environment)
    gone, ended = (make_execution(status=Status.COMPLETE, environment=environment) for _ in range(2))
    for execution in (living, gone):
        queue.enqueue(queue.job_of(execution))
    for leases in (keys.queue_leases("gpu"), keys.LEASES):  # of today's agents, and of those before
        client().zadd(leases, {queue.job_of(ended).member: 1})
    rows = load_unfinished()
    watchdog.sweep(rows, queue.read_evidence([row.job for row in rows]), ["gpu"])
    assert queue.waiting_members("gpu") == [queue.job_of(living).member]
    assert not client().exists(keys.LEASES, keys.queue_leases("gpu"))
    assert client().hkeys(keys.queue_tokens("gpu")) == [queue.job_of(living).member.encode()]
