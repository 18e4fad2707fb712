"""Scheduler and ingest touch the file that a container's healthcheck looks at, and only when a round went well."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections

from executions.logs.ingest_loop import Ingest
from executions.scheduling.loop import Scheduler

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pulse(settings: Any, tmp_path: Path) -> Path:
    settings.PULSE_PATH = str(tmp_path / "pulse")
    return tmp_path / "pulse"


def one_round_of_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Scheduler()
    monkeypatch.setattr(scheduler, "_pause", lambda seconds: scheduler.stopping.set())
    monkeypatch.setattr(scheduler.stopping, "wait", lambda seconds: scheduler.stopping.set())
    scheduler.run()


def one_round_of_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = Ingest()
    turn = ingest.turn

    def only_turn(*, wait: bool) -> None:
        ingest.stop()
        turn(wait=False)

    monkeypatch.setattr(ingest, "turn", only_turn)
    ingest.run()


def test_scheduler_that_leads(pulse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_round_of_the_scheduler(monkeypatch)
    assert pulse.exists()


def test_scheduler_that_stands_by(pulse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = Scheduler()
    led, may_end = threading.Event(), threading.Event()

    def lead() -> None:
        leader._leadership.held()
        led.set()
        may_end.wait(10)
        leader._leadership.drop()
        connections.close_all()

    thread = threading.Thread(target=lead)
    thread.start()
    try:
        assert led.wait(10)
        one_round_of_the_scheduler(monkeypatch)
        assert pulse.exists()
    finally:
        may_end.set()
        thread.join(10)


def test_scheduler_without_a_database(pulse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Scheduler) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(Scheduler, "turn", away)
    one_round_of_the_scheduler(monkeypatch)
    assert not pulse.exists()


def test_ingest(pulse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_round_of_ingest(monkeypatch)
    assert pulse.exists()


def test_ingest_without_a_database(pulse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Ingest, now: float) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("executions.logs.ingest_loop.AWAY_PAUSE_SECONDS", 0)
    monkeypatch.setattr(Ingest, "_look_around", away)
    one_round_of_ingest(monkeypatch)
    assert not pulse.exists()
