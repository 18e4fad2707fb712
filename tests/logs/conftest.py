"""A running execution and its worker."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from common import threads
from executions.models import Execution
from executions.types import Status
from projects.models import Project
from tests.logs.agent import Agent
from tests.support import factories


@pytest.fixture
def execution(project: Project) -> Execution:
    return factories.make_execution(project, status=Status.STARTED)


@pytest.fixture
def agent(execution: Execution) -> Agent:
    worker = Agent(execution)
    worker.open()
    return worker


@pytest.fixture
def live_threads() -> Iterator[None]:
    """Threads that work for live viewers end with the test, and their database connections with them."""
    yield
    asyncio.run(sync_to_async(connections.close_all)())  # Channels looks up sessions on a thread of its own
    threads.shut_down()
    gc.collect()  # a connection of an ended thread closes when it is collected


@pytest.fixture(autouse=True)
def sealing_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sealing is asked for, not done: no Celery worker runs here."""
    asked: list[str] = []
    monkeypatch.setattr("executions.logs.ingest.ask_for_sealing", lambda pk: asked.append(str(pk)))
    monkeypatch.setattr("executions.logs.ingest_loop.ask_for_sealing", lambda pk: asked.append(str(pk)))
    return asked
