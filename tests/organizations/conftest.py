"""Acme: Alice owns it, Bob and Vera are in it (she only looks), Charlie is a stranger. And how letters and notices are seen."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from accounts.models import User
from audit.models import AuditEvent
from common.redis import client
from organizations.models import Organization, OrganizationMembership, Team
from peon.protocol import keys
from tests.support import factories
from valohai_app.celery import app


@pytest.fixture
def bob(db: None) -> User:
    return factories.make_user("bob")


@pytest.fixture
def vera(db: None) -> User:
    return factories.make_user("vera")


@pytest.fixture
def acme(alice: User, bob: User, vera: User) -> Organization:
    organization = factories.make_organization("acme", owners=(alice,), members=(bob, vera))
    vera.memberships.update(role=OrganizationMembership.Role.VIEWER)
    return organization


@pytest.fixture
def vision(acme: Organization, bob: User) -> Team:
    return factories.make_team(acme, "vision", members=(bob,))


@pytest.fixture
def rival(charlie: User) -> Organization:
    return factories.make_organization("rival", owners=(charlie,))


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Iterator[Callable[[], AbstractContextManager[Any]]]:
    """A block whose end is a commit: what waits for one happens then, Celery's work in this process."""
    app.conf.task_always_eager = True
    yield lambda: django_capture_on_commit_callbacks(execute=True)
    app.conf.task_always_eager = False


@pytest.fixture
def letters() -> list[EmailMessage]:
    """What was sent so far; see `committed`."""
    mail.outbox.clear()
    return mail.outbox


@pytest.fixture
def notices_for() -> Iterator[Callable[[User], list[str]]]:
    """The kinds of the notices about somebody's access since the first call for them."""
    subscriptions: dict[int, Any] = {}

    def heard(user: User) -> list[str]:
        if user.pk not in subscriptions:
            subscriptions[user.pk] = client().pubsub(ignore_subscribe_messages=True)
            subscriptions[user.pk].subscribe(keys.notice_channel(f"access:{user.pk}"))
            subscriptions[user.pk].get_message(timeout=1)
        kinds = []
        while message := subscriptions[user.pk].get_message(timeout=0.1):
            kinds.append(json.loads(message["data"])["kind"])
        return kinds

    yield heard
    for subscription in subscriptions.values():
        subscription.close()


@pytest.fixture
def audited(db: None) -> Callable[[str], list[AuditEvent]]:
    """The audit rows of a kind, oldest first."""
    return lambda kind: list(AuditEvent.objects.filter(kind=kind).order_by("created_at", "pk"))


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["results"]
    return found
