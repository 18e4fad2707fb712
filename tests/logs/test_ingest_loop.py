"""The endless loop: when it folds, and how it outlives what goes away."""

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest
import redis
from django.db import OperationalError

from common.redis import client
from executions.logs import ingest_loop, stream
from executions.logs.ingest_loop import Ingest
from executions.models import Execution
from executions.types import Status
from peon.protocol import events, keys
from projects.models import Project
from tests.logs.agent import Agent
from tests.support import factories

pytestmark = pytest.mark.django_db


def count_of(execution: Execution) -> int:
    return Execution.objects.values_list("log_line_count", flat=True).get(pk=execution.pk)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(ingest_loop.time, "monotonic", lambda: now[0])
    return now


def test_first_lines_are_written_at_once_and_the_next_together(
    execution: Execution, agent: Agent, clock: list[float]
) -> None:
    ingest = Ingest()
    agent.say("first")
    ingest.turn(wait=False)
    assert count_of(execution) == 1
    agent.say("second")
    ingest.turn(wait=False)
    assert count_of(execution) == 1
    clock[0] += 0.5
    agent.say("third")
    ingest.turn(wait=False)
    assert count_of(execution) == 1
    clock[0] += 0.6
    ingest.turn(wait=False)
    assert count_of(execution) == 3


def test_much_does_not_wait(execution: Execution, agent: Agent, clock: list[float]) -> None:
    ingest = Ingest()
    agent.say("first")
    ingest.turn(wait=False)
    agent.say("x" * 60_000, "y" * 60_000)
    agent.say("x" * 60_000, "y" * 60_000)
    ingest.turn(wait=False)
    assert count_of(execution) == 1
    agent.say("x" * 60_000)
    ingest.turn(wait=False)
    assert count_of(execution) == 6


def test_the_end_does_not_wait(execution: Execution, agent: Agent, clock: list[float]) -> None:
    ingest = Ingest()
    agent.say("first")
    ingest.turn(wait=False)
    agent.say("last")
    agent.finish()
    ingest.turn(wait=False)
    execution.refresh_from_db()
    assert (execution.status, execution.log_line_count) == (Status.COMPLETE, 2)


def test_lost_call_is_found_by_the_sweep(execution: Execution, agent: Agent) -> None:
    agent.say("nobody was told")
    client().delete(keys.INGEST_DIRTY)
    ingest = Ingest()
    ingest.turn(wait=False)
    ingest.turn(wait=False)
    assert count_of(execution) == 1


def test_append_during_reading_calls_again(execution: Execution, agent: Agent, clock: list[float]) -> None:
    ingest = Ingest()
    agent.say("one")
    ingest.turn(wait=False)
    assert client().scard(keys.INGEST_DIRTY_SET) == 0
    agent.say("two")
    assert client().llen(keys.INGEST_DIRTY) == 1


def test_idle_stream_is_emptied(execution: Execution, agent: Agent, clock: list[float]) -> None:
    ingest = Ingest()
    agent.say("one")
    ingest.turn(wait=False)
    assert client().xlen(keys.events(str(execution.pk))) == 1
    clock[0] += 6
    ingest.turn(wait=False)
    assert client().xlen(keys.events(str(execution.pk))) == 0
    agent.say("two")
    clock[0] += 6
    ingest.turn(wait=False)
    assert count_of(execution) == 2


def test_stream_whose_entries_are_gone_is_sent_again(
    execution: Execution, agent: Agent, clock: list[float]
) -> None:
    agent.say("one")
    client().delete(keys.events(str(execution.pk)), keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET)
    ingest = Ingest()
    ingest.turn(wait=False)
    assert stream.read_head(execution.pk).next_seq == 1  # type: ignore[union-attr]
    clock[0] += 6
    ingest.turn(wait=False)
    assert stream.read_head(execution.pk).next_seq == 0  # type: ignore[union-attr]


def test_stream_of_a_deleted_execution_is_forgotten(project: Project) -> None:
    execution = factories.make_execution(project, status=Status.STARTED)
    agent = Agent(execution)
    agent.open()
    agent.say("orphan")
    Execution.objects.filter(pk=execution.pk).delete()
    Ingest().turn(wait=False)
    assert client().exists(keys.events(str(execution.pk))) == 0


def test_nonsense_on_the_list_is_passed_over(execution: Execution, agent: Agent) -> None:
    client().rpush(keys.INGEST_DIRTY, "not an id", str(uuid.uuid4()))
    agent.say("one")
    Ingest().turn(wait=False)
    assert count_of(execution) == 1


def test_one_executions_trouble_stops_nobody_else(
    execution: Execution, agent: Agent, project: Project, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    other = factories.make_execution(project, status=Status.STARTED)
    second = Agent(other)
    second.open()
    real = ingest_loop.fold_batches

    def fail_one(execution_id: uuid.UUID, *arguments: object, **options: object) -> object:
        if execution_id == execution.pk:
            raise RuntimeError("a fault of ours")
        return real(execution_id, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_loop, "fold_batches", fail_one)
    ingest = Ingest()
    agent.say("stays in the stream")
    second.say("arrives")
    ingest.turn(wait=False)
    assert (count_of(execution), count_of(other)) == (0, 1)
    monkeypatch.setattr(ingest_loop, "fold_batches", real)
    ingest.turn(wait=False)
    assert count_of(execution) == 0
    clock[0] += 3
    ingest.turn(wait=False)
    assert count_of(execution) == 1


@pytest.mark.parametrize("error", [OperationalError("away"), redis.ConnectionError("away")])
def test_what_goes_away_and_comes_back_costs_nothing(
    execution: Execution, agent: Agent, monkeypatch: pytest.MonkeyPatch, error: Exception, clock: list[float]
) -> None:
    real = ingest_loop.fold_batches
    failures = [error, error]

    def fail_twice(*arguments: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_loop, "fold_batches", fail_twice)
    ingest = Ingest()
    agent.say("one", "two")
    for _ in range(2):
        with pytest.raises(type(error)):
            ingest.turn(wait=False)
    ingest.turn(wait=False)
    assert count_of(execution) == 2


@pytest.mark.django_db(transaction=True)
def test_process_works_and_ends_on_sigterm(execution: Execution, agent: Agent) -> None:
    from django.db import connection

    settings = connection.settings_dict
    host, name = settings["HOST"], settings["NAME"]
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{settings['USER']}@{'' if host.startswith('/') else host}/{name}?host={host}",
    }
    if not host.startswith("/"):
        environment["DATABASE_URL"] = (
            f"postgres://{settings['USER']}:{settings['PASSWORD']}@{host}:{settings['PORT']}/{name}"
        )
    environment["DJANGO_SETTINGS_MODULE"] = "valohai_app.settings"
    process = subprocess.Popen([sys.executable, "manage.py", "run_ingest"], env=environment)
    try:
        agent.say("one")
        agent.report(events.STATS, values={"cpu_usage": 1})
        deadline = time.monotonic() + 60
        while count_of(execution) < 1:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert time.monotonic() - began < ingest_loop.SWEEP_SECONDS  # it did not wait for its next look
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
