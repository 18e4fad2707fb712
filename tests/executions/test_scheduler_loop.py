"""The scheduler as a running loop: fast when called, certain without a call, one leader, and it outlives its services."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest
import redis
from django.db import connection, connections

from common import notices
from common.redis import client
from common.wakes import Wakes
from executions import lifecycle, queue
from executions.models import Execution
from executions.scheduling import loop
from executions.scheduling.loop import LOCK_KEY, Scheduler
from executions.types import Status
from peon.protocol import keys
from tests.support.factories import make_environment, make_execution, make_project

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running_scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()

    def run() -> None:
        try:
            scheduler.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield scheduler
    finally:
        scheduler.stopping.set()
        notices.publish("scheduler", "wake")
        thread.join(10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.002)
    return time.monotonic() - began


def subscribers() -> int:
    return client().pubsub_numsub(keys.notice_channel("scheduler"))[0][1]


def is_queued(execution: Execution) -> bool:
    return (
        bool(queue.waiting_members("gpu")) and Execution.objects.get(pk=execution.pk).status == Status.QUEUED
    )


def test_a_call_is_answered_at_once_and_a_look_finds_the_rest(monkeypatch):
    environment = make_environment("gpu")
    monkeypatch.setattr(loop, "ROUND_SECONDS", 30.0)
    with running_scheduler():
        wait_until(lambda: subscribers() == 1)
        time.sleep(0.2)
        execution = make_execution(environment=environment)
        notices.publish("scheduler", "wake")
        assert wait_until(lambda: is_queued(execution)) < 1


def test_without_any_call_it_looks_by_itself(monkeypatch):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu")
    with running_scheduler():
        wait_until(lambda: subscribers() == 1)
        execution = make_execution(environment=environment)
        wait_until(lambda: is_queued(execution))


def test_only_one_leads_and_a_standby_takes_over(monkeypatch):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu")
    with rival_session() as rival:
        rival.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        with running_scheduler():
            execution = make_execution(environment=environment)
            time.sleep(0.6)
            assert not is_queued(execution)
            rival.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
            wait_until(lambda: is_queued(execution))


def test_it_outlives_its_database_session(monkeypatch, caplog):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu")
    with running_scheduler():
        wait_until(lambda: bool(leaders()))
        with rival_session() as rival:
            rival.execute("SELECT pg_terminate_backend(%s)", [leaders()[0]])
        execution = make_execution(environment=environment)
        wait_until(lambda: is_queued(execution))
    away = [record for record in caplog.records if "PostgreSQL is away" in record.message]
    assert len(away) == 1


def test_redis_that_loses_everything_is_filled_again(monkeypatch):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu")
    with running_scheduler():
        execution = make_execution(environment=environment)
        wait_until(lambda: is_queued(execution))
        client().flushdb()
        wait_until(lambda: is_queued(execution))
        wait_until(lambda: subscribers() == 1)


def test_redis_away_costs_no_row_and_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.1)
    environment = make_environment("gpu")
    away = threading.Event()
    listen = Wakes._listen

    def unreliable(original):
        def call(*args):
            if away.is_set():
                raise redis.ConnectionError("away")
            return original(*args)

        return call

    monkeypatch.setattr(queue, "enqueue_all", unreliable(queue.enqueue_all))
    monkeypatch.setattr(queue, "read_evidence", unreliable(queue.read_evidence))
    monkeypatch.setattr(Wakes, "_listen", unreliable(listen))
    with running_scheduler():
        wait_until(lambda: subscribers() == 1)
        away.set()
        execution = make_execution(environment=environment)
        wait_until(lambda: Execution.objects.get(pk=execution.pk).status == Status.QUEUED)
        time.sleep(0.5)
        assert queue.waiting_members("gpu") == []
        away.clear()
        wait_until(lambda: is_queued(execution))
    told = [record for record in caplog.records if "Redis is away" in record.message]
    assert len(told) == 1


def test_capacity_that_becomes_free_is_given_to_the_next(monkeypatch):
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu", max_running=1)
    first, second = make_execution(environment=environment), make_execution(environment=environment)
    with running_scheduler():
        wait_until(lambda: is_queued(first))
        second.refresh_from_db()
        wait_until(lambda: "is full: 1 of 1" in Execution.objects.get(pk=second.pk).waiting_reason)
        lifecycle.mark_stopped_before_start(execution_id=first.pk)
        wait_until(lambda: Execution.objects.get(pk=second.pk).status == Status.QUEUED)


def test_a_users_long_line_does_not_starve_the_first_of_another(monkeypatch):
    """One place, and Alice's line is older than Bob's job: he still gets the second place that becomes free."""
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu", max_running=1)
    alices, bobs = make_project(), make_project()
    of_alice = [make_execution(alices, environment=environment) for _ in range(4)]
    with running_scheduler():
        wait_until(lambda: is_queued(of_alice[0]))
        of_bob = make_execution(bobs, environment=environment)
        wait_until(lambda: waiting_reason(of_bob).endswith("No execution is before it now."))
        lifecycle.mark_stopped_before_start(execution_id=of_alice[0].pk)
        wait_until(lambda: is_queued(of_alice[1]))  # she has waited longer since her first one went
        lifecycle.mark_stopped_before_start(execution_id=of_alice[1].pk)
        wait_until(lambda: is_queued(of_bob))
        assert not is_queued(of_alice[2])


def test_users_alternate_in_the_queue(monkeypatch):
    """Without a limit all of Alice's jobs are in the queue when Bob comes; a worker takes his first before her last ones."""
    monkeypatch.setattr(loop, "ROUND_SECONDS", 0.2)
    environment = make_environment("gpu")
    alices, bobs = make_project(), make_project()
    of_alice = [make_execution(alices, environment=environment) for _ in range(5)]
    with running_scheduler():
        wait_until(lambda: len(queue.waiting_members("gpu")) == 5)
        of_bob = [make_execution(bobs, environment=environment) for _ in range(2)]
        notices.publish("scheduler", "wake")
        wait_until(lambda: len(queue.waiting_members("gpu")) == 7)
        expected = [of_alice[0], of_bob[0], of_alice[1], of_bob[1], *of_alice[2:]]
        assert queue.waiting_members("gpu") == [queue.job_of(execution).member for execution in expected]
        client().flushdb()
        wait_until(lambda: len(queue.waiting_members("gpu")) == 7)
        assert queue.waiting_members("gpu") == [queue.job_of(execution).member for execution in expected]


def waiting_reason(execution: Execution) -> str:
    return Execution.objects.values_list("waiting_reason", flat=True).get(pk=execution.pk)


@contextmanager
def rival_session() -> Iterator[object]:
    wanted = {k: v for k, v in connection.get_connection_params().items() if k != "cursor_factory"}
    other = psycopg2.connect(**wanted)
    other.autocommit = True
    try:
        yield other.cursor()
    finally:
        other.close()


def leaders() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' "
            "AND l.granted AND d.datname = current_database() AND (l.classid::bigint << 32) + l.objid::bigint = %s",
            [LOCK_KEY],
        )
        return [row[0] for row in cursor.fetchall()]
