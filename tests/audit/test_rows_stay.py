"""Nobody alters the log: not through the application, not with SQL, and not before its time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.urls import URLPattern

from audit import retention
from audit.background import remove_expired_events
from audit.models import AuditEvent
from common import clock
from tests.access.routes import all_routes
from tests.audit.conftest import Write

pytestmark = pytest.mark.django_db


def refused(sql: str, *first: str) -> bool:
    """Whether the database refuses it, as on an installation: without the setting that only the tests have."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in ("SET LOCAL audit.allow_truncate = 'off'", *first, sql):
                cursor.execute(statement)
    except DatabaseError as error:
        return "cannot be altered" in str(error)
    return False


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditevent SET actor_name = 'somebody else'",
        "UPDATE audit_auditevent SET after = '{}' WHERE kind = 'thing.changed'",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
        "TRUNCATE audit_auditevent CASCADE",
        "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent ON CONFLICT (id) DO UPDATE SET kind = 'other'",
    ],
)
def test_the_database_refuses(write: Write, sql: str) -> None:
    write(moment=clock.now() - timedelta(days=400))
    before = list(AuditEvent.objects.values())
    assert refused(sql)
    assert list(AuditEvent.objects.values()) == before


@pytest.mark.parametrize("days", ["", "0", "-5"])
def test_no_retention_is_no_permission(write: Write, days: str) -> None:
    write(moment=clock.now() - timedelta(days=400))
    assert refused(
        "DELETE FROM audit_auditevent", f"SELECT set_config('audit.retention_days', '{days}', true)"
    )


def test_the_retention_does_not_reach_younger_rows(write: Write) -> None:
    write(moment=clock.now() - timedelta(days=20))
    assert refused("DELETE FROM audit_auditevent", "SELECT set_config('audit.retention_days', '30', true)")
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("act", [lambda row: row.save(), lambda row: row.delete()])
def test_so_does_the_model(write: Write, act: Callable[[Any], object]) -> None:
    row = write()
    row.kind = "thing.else"
    with pytest.raises(DatabaseError, match="cannot be altered"), transaction.atomic():
        act(row)
    assert AuditEvent.objects.get().kind == "thing.changed"


def test_no_route_writes_rows() -> None:
    """Every route of the log answers to reading only."""
    routes = {
        text: pattern for text, pattern in all_routes().items() if "audit" in text or "activity" in text
    }
    assert len(routes) >= 7
    for text, pattern in routes.items():
        assert not _changing_methods(pattern), text


def _changing_methods(pattern: URLPattern) -> set[str]:
    view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    return {name for name in ("post", "put", "patch", "delete") if view and hasattr(view, name)}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_api_has_no_verb_for_it(superuser_api: Any, write: Write, method: str) -> None:
    row = write()
    for path in ("audit-events/", "audit-events/csv/", f"audit-events/{row.pk}/"):
        assert getattr(superuser_api, method)(f"/api/v0/{path}").status_code in (404, 405)
    assert AuditEvent.objects.count() == 1


def test_nothing_points_at_rows() -> None:
    """A foreign key would let a deletion elsewhere reach them."""
    model = apps.get_model("audit", "AuditEvent")
    assert not model._meta.related_objects
    assert not any(field.is_relation for field in model._meta.fields)


class TestRetention:
    def test_old_rows_go_and_younger_ones_stay(self, settings: Any, write: Write) -> None:
        settings.AUDIT_RETENTION_DAYS = 30
        for days in (29, 31, 400):
            write(name=str(days), moment=clock.now() - timedelta(days=days))
        remove_expired_events()
        assert AuditEvent.objects.get().target_name == "29"
        assert retention.remove_expired() == 0

    def test_in_batches(self, settings: Any, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AUDIT_RETENTION_DAYS = 30
        monkeypatch.setattr(retention, "BATCH", 2)
        for _ in range(5):
            write(moment=clock.now() - timedelta(days=31))
        assert retention.remove_expired() == 5

    @pytest.mark.parametrize("days", [0, -1])
    def test_zero_keeps_all(self, settings: Any, write: Write, days: int) -> None:
        settings.AUDIT_RETENTION_DAYS = days
        write(moment=clock.now() - timedelta(days=4000))
        assert retention.remove_expired() == 0
        assert AuditEvent.objects.count() == 1

    def test_the_permission_ends_with_the_transaction(self, settings: Any, write: Write) -> None:
        settings.AUDIT_RETENTION_DAYS = 30
        retention.remove_expired()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('audit.retention_days', '', true)")
        write(moment=clock.now() - timedelta(days=400))
        assert refused("DELETE FROM audit_auditevent")
