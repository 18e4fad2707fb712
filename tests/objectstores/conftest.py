"""One emulator of each kind per session, started when the first test needs it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, storages

from common.objectstores import ObjectStore
from common.objectstores.filesystem import FilesystemStore
from common.objectstores.opening import open_store
from tests.objectstores import emulators
from tests.objectstores.emulators import Emulator

KINDS = ("filesystem", "s3", "google", "azure", "swift")


class Emulators:
    def __init__(self, folder: Any, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._started: dict[str, Emulator] = {}

    def get(self, kind: str) -> Emulator:
        if kind not in self._started:
            start: Any = {
                "s3": emulators.s3,
                "google": emulators.google,
                "azure": lambda: emulators.azure(self._folder.mktemp("azure")),
                "swift": lambda: emulators.swift(self._folder.mktemp("swift")),
            }[kind]
            self._started[kind] = self._stack.enter_context(start())
        return self._started[kind]


@pytest.fixture(scope="session")
def all_emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    with ExitStack() as stack:
        yield Emulators(tmp_path_factory, stack)


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.emulator) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, all_emulators: Emulators) -> ObjectStore:
    if kind == "filesystem":
        storage = storages["default"]
        assert isinstance(storage, FileSystemStorage)
        return FilesystemStore(storage)
    emulator = all_emulators.get(kind)
    return open_store(kind, emulator.settings)


@pytest.fixture
def key() -> str:
    """A place that no other test uses."""
    return f"tests/{os.urandom(8).hex()}/object"


@pytest.fixture
def base_url(live_server_of_files: str) -> str:
    return live_server_of_files


@pytest.fixture(scope="session")
def live_server_of_files() -> Iterator[str]:
    """The platform's own server of files, on a port of its own."""
    import threading

    import uvicorn

    from common.files.asgi import with_files

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(scope["path"])

    port = emulators.free_port()
    server = uvicorn.Server(uvicorn.Config(with_files(nothing), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    emulators.wait_until(lambda: emulators.is_open(port), Path(os.devnull).parent / "none")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
