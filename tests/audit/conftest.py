"""Rows of the log, written as services write them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from audit import services
from audit.models import AuditEvent
from audit.origin import request_from
from audit.types import Origin, Scope, Target
from common import clock
from organizations.models import Organization
from projects.models import Project
from tests.support import factories

Write = Callable[..., AuditEvent]


@pytest.fixture
def bob(db: None) -> User:
    return factories.make_user("bob")


@pytest.fixture
def acme(alice: User, bob: User) -> Organization:
    return factories.make_organization("acme", owners=(alice,), members=(bob,))


@pytest.fixture
def rival(charlie: User) -> Organization:
    return factories.make_organization("rival", owners=(charlie,))


@pytest.fixture
def write(db: None, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a row: about things of `owners`, in `project`, at `moment`, from an address that is worth hiding."""

    def row(
        kind: str = "thing.changed",
        *owners: User | Organization,
        actor: User | None = None,
        name: str = "thing",
        project: Project | None = None,
        moment: datetime | None = None,
        **values: Any,
    ) -> AuditEvent:
        scope = Scope(tuple(owner.pk for owner in owners))
        if project is not None:
            scope = Scope((*scope.owner_ids, project.owner_id), project.pk, project.full_name)
        with monkeypatch.context() as patched, request_from(Origin("192.0.2.77", "secret-browser/1", "page")):
            if moment is not None:
                patched.setattr(clock, "now", lambda: moment)
            services.record(
                kind, actor=actor, target=Target(kind.partition(".")[0], "1", name, scope), **values
            )
        return AuditEvent.objects.latest("id")

    return row
