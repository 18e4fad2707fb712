"""A live installation that gives its agent away, and throwaway machines to install it on."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.support.fake_platform import RedisServer
from tests.installing.machine import Machine, machine
from tests.support.agent_build import packed_agent
from tests.support.live import LivePlatform, data_folder, make_platform
from tests.support.rest import Rest
from valohai_app.launcher import redis_server

CODE = {
    "valohai.yaml": """\
- step:
    name: hello
    image: python:3.11
    command: echo hello from $(cat where)
- step:
    name: wait
    image: python:3.11
    command: echo ready; sleep 600
""",
    "where": "the box\n",
}


@dataclass
class Installation:
    """`queue` is the one environment's, which nobody serves but machines that are installed."""

    platform: LivePlatform
    rest: Rest
    agent_folder: Path
    queue: str = "box"
    _commits: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.platform.url

    def token(self, **wish: int) -> str:
        made = self.rest.post(f"environments/{self.queue}/enrolment-tokens/", wish)
        return str(made["token"])

    def workers(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.rest.get(f"environments/{self.queue}/workers/")["results"]
        return found

    def run(self, step: str) -> str:
        """Start an execution in the environment; its id."""
        if not self._commits:
            project = self.rest.create_project("installing")
            self._commits[project] = self.rest.import_package(project, CODE)
        [(project, commit)] = self._commits.items()
        return self.rest.run(project, commit, step, environment=self.queue)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    redis = RedisServer(str(redis_server.program()), tmp_path_factory.mktemp("redis"))
    redis.start()
    agent_folder = tmp_path_factory.mktemp("agent-build")
    shutil.copy(packed_agent(), agent_folder)
    with data_folder() as folder:
        platform = make_platform(folder, REDIS_URL=redis.url, AGENT_DIR=str(agent_folder))
        try:
            rest = Rest(platform.start().url, platform.token)
            rest.post(
                "environments/",
                {
                    "slug": "box",
                    "name": "Box",
                    "requires_enrolled_workers": True,
                    "allow_personal_usage": True,
                },
            )
            yield Installation(platform, rest, agent_folder)
        finally:
            if platform.process is not None and platform.process.poll() is None:
                platform.stop()
            redis.kill()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


@pytest.fixture
def start(box: Machine, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Run a program on the box in the background; what it says is in `agent.log`."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*argv: str, **environment: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / "agent.log").open("ab") as log:
            running.append(
                subprocess.Popen(
                    box.command(*argv), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )
            )  # fmt: skip
        return running[-1]

    yield start
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a shell that supervises, and the agent that it started
        process.wait(30)
    print((tmp_path / "agent.log").read_text() if running else "")
