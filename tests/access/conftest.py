"""The world of the access tests, built once per module: thousands of calls share it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from common import clock
from tests.access.world import World, build_world


@contextmanager
def rolled_back() -> Iterator[None]:
    """What happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Tests that use it are marked `django_db`: what one of them does is undone after it, as everywhere."""
    with django_db_blocker.unblock(), rolled_back():
        yield build_world()


@pytest.fixture
def time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two answers nothing has become older."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
