"""A real PostgreSQL and a real Redis for the tests, unless DATABASE_URL and REDIS_URL name others."""

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, MutableMapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from valohai_app.launcher import postgres_server, redis_server
from valohai_app.launcher.children import fork, program

DATABASES_OF_AN_UNKNOWN_REDIS = 16


def provide(environment: MutableMapping[str, str]) -> None:
    """Set DATABASE_URL and REDIS_URL. Each xdist worker gets a Redis database of its own."""
    if not environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = start_postgres()
    if not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = start_redis()
    worker = environment.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw"):
        environment["REDIS_URL"] = _database_of_worker(environment["REDIS_URL"], int(worker[2:]))


def start_postgres() -> str:
    folder = throwaway_folder("postgres")
    server = postgres_server.PostgresServer(
        folder / "data", folder, tuple(postgres_server.THROWAWAY_SETTINGS.items())
    )
    server.prepare()
    _start(server.command, postgres_server.END_SIGNAL, folder, server.user)
    _wait_until(server.is_ready, folder)
    return server.url


def start_redis() -> str:
    folder = throwaway_folder("redis")
    server = redis_server.RedisServer(folder / "data", folder, durable=False)
    server.prepare()
    _start(server.command, redis_server.END_SIGNAL, folder, None)
    _wait_until(server.is_ready, folder)
    return server.url


def throwaway_folder(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"mlops-tests-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _start(command: list[str], end_signal: signal.Signals, folder: Path, user: int | None) -> int:
    with (folder / "log").open("wb") as log:
        pid = fork(program(command), end_signal=end_signal, output=log.fileno(), user=user)
    starter = os.getpid()

    def end() -> None:
        if os.getpid() == starter:
            os.kill(pid, end_signal)
            os.waitpid(pid, 0)

    atexit.register(end)
    return pid


def _wait_until(is_ready: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not is_ready():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)


def _database_of_worker(url: str, worker: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"{url.partition('?')[0]}?db={(worker + 1) % redis_server.DATABASES}"
    first = int(parts.path.strip("/") or 0)
    database = (first + 8 * worker) % DATABASES_OF_AN_UNKNOWN_REDIS
    return urlunsplit(parts._replace(path=f"/{database}"))
