"""Letters that are really handed over, and a site whose address is known."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import transaction

from audit.models import AuditEvent
from valohai_app.celery import app

SITE = "https://mlops.example.com"


@pytest.fixture(autouse=True)
def _known_site(settings: Any) -> None:
    settings.URL_BASE = SITE


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EmailMessage]]:
    """The letters that were sent. Commits happen at once and Celery's work is done in this process."""
    monkeypatch.setattr(transaction, "on_commit", lambda act, **options: act())
    mail.outbox.clear()
    app.conf.task_always_eager = True
    yield mail.outbox
    app.conf.task_always_eager = False


@pytest.fixture
def audited(db: None) -> Callable[[str], list[AuditEvent]]:
    """The audit rows of a kind, oldest first."""
    return lambda kind: list(AuditEvent.objects.filter(kind=kind).order_by("created_at", "pk"))
