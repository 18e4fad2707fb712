"""A running execution and its worker."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

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


@pytest.fixture(autouse=True)
def sealing_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sealing is asked for, not done: no Celery worker runs here."""
    asked: list[str] = []
    monkeypatch.setattr("executions.logs.ingest.ask_for_sealing", lambda pk: asked.append(str(pk)))
    monkeypatch.setattr("executions.logs.ingest_loop.ask_for_sealing", lambda pk: asked.append(str(pk)))
    return asked


@pytest.fixture
def server() -> Iterator[str]:
    """The real web server on a free port."""
    from valohai_app.asgi import application

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        application,
        port=port,
        log_level="error",
        lifespan="off",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"ws://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(20)
