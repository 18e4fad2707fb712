"""Regular work is handed to Celery, and only what needs it."""

from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from common import clock
from executions.scheduling import housekeeping
from executions.types import Status
from tests.support.factories import make_execution

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(housekeeping.seal_log, "apply_async", lambda args, **_: asked.append(args[0]))
    monkeypatch.setattr(
        housekeeping.clean_abandoned_uploads, "apply_async", lambda **_: asked.append("uploads")
    )
    monkeypatch.setattr(housekeeping.remove_expired_events, "apply_async", lambda **_: asked.append("audit"))
    return asked


def test_logs_that_ingest_forgot_are_sealed(asked):
    long_ago = clock.now() - timedelta(minutes=2)
    forgotten = make_execution(status=Status.COMPLETE, ended_at=long_ago)
    make_execution(status=Status.COMPLETE, ended_at=long_ago, log_sealed_at=long_ago)
    make_execution(status=Status.COMPLETE)
    make_execution(status=Status.STARTED)
    housekeeping.every_minute()
    assert asked == [str(forgotten.pk)]


def test_abandoned_uploads_and_old_audit_rows_are_looked_for(asked):
    housekeeping.every_hour()
    assert asked == ["uploads", "audit"]


def test_a_broker_that_is_away_stops_nothing(monkeypatch, caplog):
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    make_execution(status=Status.COMPLETE, ended_at=clock.now() - timedelta(minutes=2))
    monkeypatch.setattr(housekeeping.seal_log, "apply_async", away)
    monkeypatch.setattr(housekeeping.clean_abandoned_uploads, "apply_async", away)
    housekeeping.every_minute()
    housekeeping.every_hour()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
