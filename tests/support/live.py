"""A whole running installation for tests: the real launcher on a free port with a throwaway data folder."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from peon.protocol import keys, scripts

CHECKOUT = Path(__file__).resolve().parents[2]
NOT_INHERITED = (
    "DATABASE_URL", "REDIS_URL", "CELERY_BROKER", "DJANGO_SETTINGS_MODULE", "DATA_DIR", "SECRET_KEY",
    "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTHONDONTWRITEBYTECODE", "CI",
)  # fmt: skip


@dataclass
class LivePlatform:
    """One installation. `start` and `stop` may alternate; the data stays until the folder is removed."""

    data: Path
    port: int
    options: tuple[str, ...] = ("--no-example",)
    environment: dict[str, str] = field(default_factory=dict)
    entry: tuple[str, ...] = (sys.executable, "-m", "valohai_app.launcher")
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        parsed: dict[str, str] = json.loads((self.data / "credentials.json").read_text())
        return parsed

    @property
    def token(self) -> str:
        return self.credentials["token"]

    @property
    def username(self) -> str:
        return self.credentials["username"]

    @property
    def password(self) -> str:
        return self.credentials["password"]

    @property
    def repository_root(self) -> Path:
        """A folder whose git repositories the installation may fetch by path."""
        folder = self.data / "repositories"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def redis_url(self) -> str:
        return str(self._running()["redis_url"])

    @property
    def database_url(self) -> str:
        return str(self._running()["database_url"])

    def pid_of(self, part: str) -> int:
        """The process of `web`, `scheduler`, `ingest`, `celery`, `agent`, `postgres` or `redis`, as of now."""
        processes = self._running()["processes"]
        assert isinstance(processes, dict)
        return int(processes[part]["pid"])

    def has(self, part: str) -> bool:
        processes = self._running()["processes"]
        assert isinstance(processes, dict)
        return part in processes

    def launch(self) -> None:
        """Start the launcher; do not wait."""
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        environment |= {"ALLOW_LOCAL_REPOSITORIES": "true", "LOCAL_REPOSITORY_ROOTS": str(self.data)}
        environment["STATIC_ROOT"] = str(static_folder() / "static")
        command = [
            *self.entry, "--port", str(self.port), "--data", str(self.data), *self.options,
        ]  # fmt: skip
        with (self.data / "launcher.out").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env={**environment, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self, seconds: float = 120) -> "LivePlatform":
        """Start and wait until the installation answers and is ready for work."""
        self.launch()
        self.wait_for("/healthz", seconds)
        self.wait_for("/readyz", seconds)
        return self

    def wait_for(self, path: str, seconds: float) -> None:
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while True:
            try:
                if httpx.get(self.url + path, timeout=5, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, f"the launcher ended:\n{self.output()[-4000:]}"
            assert time.monotonic() < deadline, f"no {path} after {seconds} s:\n{self.output()[-4000:]}"
            time.sleep(0.05)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not after {seconds} s:\n{self.output()[-4000:]}"
            time.sleep(0.05)

    def output(self) -> str:
        return (self.data / "launcher.out").read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """End the launcher as its user would; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill_supervisor(self) -> None:
        """kill -9 the launcher alone, as the kernel's out-of-memory killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def descendants(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def link_repository(self, project_name: str, directory: Path) -> None:
        """Let the named project of the administrator take its code from a local repository."""
        with httpx.Client(
            base_url=self.url + "/api/v0/",
            headers={"Authorization": f"Token {self.token}"},
            trust_env=False,
            timeout=30,
        ) as http:
            listed = http.get("projects/", params={"limit": 1000}).json()["results"]
            project_id = next(row["id"] for row in listed if row["name"] == project_name)
            body = {"url": str(directory), "fetch_reference": "*"}
            answer = http.put(f"projects/{project_id}/repository/", json=body)
            assert answer.status_code in (200, 201), answer.text

    def claim_and_vanish(self, queue: str, seconds: float = 20) -> None:
        """Claim the next job of the queue as an agent does, and never be heard of again."""
        client = redis.Redis.from_url(self.redis_url)
        names = [
            keys.queue_leases(queue), keys.queue_holders(queue), keys.queue_wishes(queue), keys.queue(queue), keys.queue_tokens(queue),
        ]  # fmt: skip
        deadline = time.monotonic() + seconds
        while not client.eval(scripts.CLAIM, len(names), *names, "vanished", 5000):
            assert time.monotonic() < deadline, "nothing to claim"
            time.sleep(0.05)

    def _running(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads((self.data / "run" / "platform.json").read_text())
        return parsed


@cache
def static_folder() -> Path:
    """Collected static files depend on the checkout alone; collecting them once for all platforms saves seconds each."""
    folder = Path(tempfile.mkdtemp(prefix="mlops-live-static-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def data_folder() -> Iterator[Path]:
    """Not pytest's `tmp_path`: that has to stay passable for PostgreSQL's account, and pytest closes it at every start."""
    with tempfile.TemporaryDirectory(prefix="mlops-live-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "data"


def make_platform(folder: Path, *options: str, **environment: str) -> LivePlatform:
    folder.mkdir(parents=True, exist_ok=True)
    return LivePlatform(folder, free_port(), options or ("--no-example",), environment)


def _started_and_stopped() -> Iterator[LivePlatform]:
    with data_folder() as folder:
        platform = make_platform(folder)
        try:
            yield platform.start()
        finally:
            if platform.process is not None and platform.process.poll() is None:
                platform.stop()


@pytest.fixture(scope="session")
def live_platform() -> Iterator[LivePlatform]:
    """Shared by every test of the session; do not harm it."""
    yield from _started_and_stopped()


@pytest.fixture(scope="module")
def fault_platform() -> Iterator[LivePlatform]:
    """One per module: its parts may be killed. What was killed is waited for by the test."""
    yield from _started_and_stopped()
