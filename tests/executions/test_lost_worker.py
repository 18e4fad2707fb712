"""A worker that vanishes, at each moment of its life, and one that comes back from the dead."""

import time
from dataclasses import replace
from typing import Any

import pytest
import redis

from common.redis import client
from executions import lifecycle, queue, services
from executions.logs import ingest
from executions.models import Execution
from executions.scheduling import watchdog
from executions.scheduling.facts import load_unfinished
from executions.types import Status
from peon.protocol import events, keys, scripts
from tests.support.factories import make_execution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr(ingest, "ask_for_sealing", lambda execution_id: None)


class AWorker:
    """What an agent does with Redis for one attempt."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.job = queue.job_of(execution)
        self.head = keys.events_head(str(execution.pk))
        self.seq = self.line = 0
        queue.open_events(execution)

    def heartbeat(self, lease_ms: int = 15_000) -> bytes:
        redis_keys = [keys.LEASES, keys.LEASE_HOLDERS, keys.control(str(self.execution.pk)), self.head]
        arguments = [self.job.member, "w", lease_ms, self.job.epoch]
        answer: list[bytes] = client().register_script(scripts.HEARTBEAT)(redis_keys, arguments)
        return answer[0]

    def say(self, *segments: dict[str, Any]) -> bytes:
        number, lines = sum(map(events.event_count, segments)), sum(map(events.line_count, segments))
        pk = str(self.execution.pk)
        answer = client().register_script(scripts.APPEND)(
            [keys.events(pk), self.head, keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET],
            [
                self.job.epoch,
                self.seq,
                number,
                self.line,
                lines,
                events.encode_body(list(segments)),
                512,
                pk,
                "channel",
            ],
        )
        if answer[0] == b"ok":
            self.seq, self.line = self.seq + number, self.line + lines
        return bytes(answer[0])


def line(text: str) -> dict[str, Any]:
    return {"k": "o", "t": time.time_ns() // 1000, "p": text}


def finish(status: str = "complete") -> dict[str, Any]:
    return {"k": "finish", "t": time.time_ns() // 1000, "status": status, "exit_code": 0, "reason": ""}


def watch_for(seconds: float) -> None:
    """The watchdog looks, then looks again after a while."""
    patience = watchdog.Patience.from_settings()
    suspects: Any = {}
    for now in (0.0, seconds):
        rows = load_unfinished()
        known = replace(queue.read_evidence([row.job for row in rows]), uptime_seconds=1000)
        findings = watchdog.examine(rows, known, suspects, now=now, patience=patience)
        suspects = findings.suspects
        watchdog.carry_out(findings)


def status_of(execution: Execution) -> str:
    execution.refresh_from_db()
    return execution.status


def test_lost_while_running_ends_as_crashed_and_keeps_what_was_said():
    execution = make_execution(status=Status.STARTED, worker_identity="host-1")
    worker = AWorker(execution)
    worker.heartbeat(lease_ms=-1)
    assert worker.say(line("one\ntwo")) == b"ok"
    watch_for(5)
    assert status_of(execution) == Status.CRASHED
    assert "host-1" in execution.error_text
    assert execution.log_line_count == 3  # what was said, and why it ended


def test_a_lease_that_lives_keeps_it_running():
    execution = make_execution(status=Status.STARTED)
    AWorker(execution).heartbeat()
    watch_for(1000)
    assert status_of(execution) == Status.STARTED


def test_lost_after_a_stop_was_asked_for_ends_as_stopped():
    execution = make_execution(status=Status.STOPPING)
    AWorker(execution).heartbeat(lease_ms=-1)
    watch_for(5)
    assert status_of(execution) == Status.STOPPED


def test_lost_after_it_reported_the_end_has_that_end():
    execution = make_execution(status=Status.STARTED)
    worker = AWorker(execution)
    worker.heartbeat(lease_ms=-1)
    worker.say(line("done"), finish())
    watch_for(5)
    assert status_of(execution) == Status.COMPLETE
    assert execution.error_text == ""


def test_redis_lost_the_lease_but_the_worker_lives():
    execution = make_execution(status=Status.STARTED)
    worker = AWorker(execution)
    worker.heartbeat()
    client().flushdb()
    watch_for(10)
    assert worker.heartbeat() == b"ok"
    watch_for(1000)
    assert status_of(execution) == Status.STARTED


def test_one_that_comes_back_from_the_dead_is_refused_everywhere():
    execution = make_execution(status=Status.STARTED)
    worker = AWorker(execution)
    worker.heartbeat(lease_ms=-1)
    watch_for(5)
    execution.refresh_from_db()
    before = (execution.status, execution.log_line_count, execution.ended_at)
    assert worker.heartbeat() == b"fenced"
    assert worker.say(line("I live")) == b"fenced"
    assert not lifecycle.mark_finished(
        execution_id=execution.pk, epoch=execution.epoch, status="complete", exit_code=0, reason="",
        ended_at=execution.ended_at,
    )  # fmt: skip
    execution.refresh_from_db()
    assert (execution.status, execution.log_line_count, execution.ended_at) == before
    assert not queue.read_evidence([]).leases


def test_one_execution_that_cannot_be_closed_does_not_keep_the_others(monkeypatch, caplog):
    broken, other = make_execution(status=Status.STARTED), make_execution(status=Status.STARTED)
    close = watchdog.close_abandoned

    def close_or_break(*, execution_id, **facts):
        if execution_id == broken.pk:
            raise ValueError("something unforeseen")
        return close(execution_id=execution_id, **facts)

    monkeypatch.setattr(watchdog, "close_abandoned", close_or_break)
    watch_for(20)
    assert (status_of(broken), status_of(other)) == (Status.STARTED, Status.CRASHED)
    assert "lost execution could not be closed" in caplog.text


class TestStop:
    def stop(self, execution: Execution) -> None:
        services.stop_execution(execution=execution, actor=execution.creator)

    def control(self, execution: Execution) -> bytes | None:
        return client().get(keys.control(str(execution.pk)))

    def test_a_waiting_one_leaves_the_queue(self):
        execution = make_execution(status=Status.QUEUED)
        queue.enqueue(queue.job_of(execution))
        self.stop(execution)
        assert status_of(execution) == Status.STOPPED
        assert queue.waiting_members("local") == []

    def test_a_running_one_hears_stop_then_kill_and_nothing_after_the_end(self):
        execution = make_execution(status=Status.STARTED)
        self.stop(execution)
        assert self.control(execution) == b"stop"
        self.stop(execution)
        assert self.control(execution) == b"kill"
        worker = AWorker(execution)
        worker.say(finish("stopped"))
        ingest.fold_events(execution.pk)
        assert status_of(execution) == Status.STOPPED
        client().delete(keys.control(str(execution.pk)))
        self.stop(execution)
        assert self.control(execution) is None

    def test_the_end_was_said_before_the_stop_but_stored_after_it(self):
        execution = make_execution(status=Status.STARTED)
        AWorker(execution).say(line("done"), finish("complete"))
        self.stop(execution)
        ingest.fold_events(execution.pk)
        assert status_of(execution) == Status.STOPPED
        assert execution.exit_code == 0
        assert execution.log_line_count == 1

    def test_the_end_was_stored_before_the_stop(self):
        execution = make_execution(status=Status.STARTED)
        AWorker(execution).say(finish("complete"))
        ingest.fold_events(execution.pk)
        self.stop(execution)
        assert status_of(execution) == Status.COMPLETE
        assert self.control(execution) is None

    def test_between_pop_and_claim(self):
        execution = make_execution(status=Status.QUEUED)
        queue.enqueue(queue.job_of(execution))
        redis_keys = [
            keys.LEASES,
            keys.LEASE_HOLDERS,
            keys.queue_wishes("local"),
            keys.queue("local"),
            keys.queue_tokens("local"),
        ]
        assert client().register_script(scripts.CLAIM)(redis_keys, ["w", 15_000])
        self.stop(execution)
        assert not lifecycle.mark_started(
            execution_id=execution.pk, epoch=execution.epoch, worker_identity="w"
        )
        assert status_of(execution) == Status.STOPPED
        assert not queue.read_evidence([]).leases

    def test_redis_away_does_not_undo_the_stop(self, monkeypatch, caplog):
        def away(*_: Any, **__: Any) -> None:
            raise redis.ConnectionError("away")

        execution = make_execution(status=Status.STARTED)
        monkeypatch.setattr(queue, "request_stop", away)
        self.stop(execution)
        monkeypatch.undo()
        assert status_of(execution) == Status.STOPPING
        assert "Redis is away" in caplog.text
        watch_for(0)
        assert self.control(execution) == b"stop"
