"""One emulator of each kind of object store per session, started when the first test needs it, and a server of files."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from common.files.asgi import with_files
from tests.support import emulators
from tests.support.emulators import Emulator


class Emulators:
    def __init__(self, folder: Any, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._started: dict[str, Emulator] = {}

    def get(self, kind: str) -> Emulator:
        """s3, google, azure, swift; azure-sas is azure with another credential."""
        if kind == "azure-sas":
            return emulators.azure_by_sas(self.get("azure"))
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


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The platform's own server of files, on a port of its own."""

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(scope["path"])

    port = emulators.free_port()
    server = uvicorn.Server(uvicorn.Config(with_files(nothing), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    emulators.wait_until(lambda: emulators.is_open(port), Path(tmp_path_factory.mktemp("files")))
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
