"""An installed agent becomes the version that its platform offers, between jobs; a bad one gives way to the one before."""

import json
import re
import runpy
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.installing.conftest import Installation
from tests.installing.machine import Machine
from tests.installing.test_install import Start, install
from tests.support.agent_build import AGENT, packed_agent, wheels

pytestmark = pytest.mark.live
SUPERVISED = "until /opt/peon/start run; do sleep 0.2; done"
Offer = Callable[..., None]


@pytest.fixture
def offer(installation: Installation, tmp_path: Path) -> Iterator[Offer]:
    """Let the installation give away an agent that is changed: {file: (from, to)}."""

    def offer(version: str, changes: dict[str, tuple[str, str]] | None = None) -> None:
        copy = tmp_path / f"agent-{version}"
        shutil.copytree(AGENT, copy, ignore=shutil.ignore_patterns("__pycache__"))
        edits = {"__init__.py": (r'VERSION = ".*"', f'VERSION = "{version}"'), **(changes or {})}
        for name, (old, new) in edits.items():
            path = copy / "peon" / name
            text, count = re.subn(old, new, path.read_text(), count=1)
            assert count == 1
            path.write_text(text)
        runpy.run_path(str(copy / "build.py"))["pack"](wheels(), installation.agent_folder)

    yield offer
    shutil.copy(packed_agent(), installation.agent_folder)


@pytest.fixture
def agent(box: Machine, installation: Installation, start: Start) -> "subprocess.Popen[bytes]":
    done = install(box, installation, "--runtime process", token=installation.token())
    assert done.returncode == 0, done.stderr
    return start("sh", "-c", SUPERVISED)


def version_of(box: Machine, installation: Installation) -> str:
    identity = json.loads(box.read("/var/lib/peon/worker.json"))["identity"]
    return next(row["agent_version"] for row in installation.workers() if row["identity"] == identity)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def finishes_a_job(installation: Installation) -> bool:
    return bool(installation.rest.wait(installation.run("hello"), seconds=60)["status"] == "complete")


def test_it_updates_between_jobs(
    box: Machine, installation: Installation, agent: object, offer: Offer
) -> None:
    running = installation.run("wait")
    installation.rest.wait_for_line(running, "ready", seconds=60)
    before = version_of(box, installation)
    offer("9.9.9")
    time.sleep(25)
    assert version_of(box, installation) == before, "not while a job runs"
    installation.rest.post(f"executions/{running}/stop/", expect=200)
    assert installation.rest.wait(running)["status"] == "stopped"
    wait_for(lambda: version_of(box, installation) == "9.9.9")
    assert finishes_a_job(installation)
    assert not box.has("/opt/peon/trial")
    assert box.read("/usr/local/bin/peon").count("/opt/peon/peon.pyz") == 1
    assert "9.9.9" in box.run("/usr/local/bin/peon", "--version").stdout


def test_one_that_does_not_come_up_gives_way(
    box: Machine, installation: Installation, agent: object, offer: Offer
) -> None:
    wait_for(lambda: version_of(box, installation) != "")
    good = box.run("readlink", "/opt/peon/peon.pyz").stdout
    offer(
        "9.9.8",
        {
            "worker.py": (
                r"    def run\(self\):",
                "    def run(self):\n        raise SystemExit(1)\n\n    def _run(self):",
            )
        },
    )
    wait_for(lambda: box.has("/opt/peon/refused"))
    assert box.run("readlink", "/opt/peon/peon.pyz").stdout == good
    assert finishes_a_job(installation)
    assert "did not come up; back to" in (box.shared / "agent.log").read_text()
    time.sleep(25)
    assert box.run("readlink", "/opt/peon/peon.pyz").stdout == good, "it is not tried again"


def test_one_that_this_python_cannot_load_is_never_started(
    box: Machine, installation: Installation, agent: object, offer: Offer
) -> None:
    wait_for(lambda: version_of(box, installation) != "")
    good = box.run("readlink", "/opt/peon/peon.pyz").stdout
    offer("9.9.7", {"main.py": ("import argparse", "import argparse, a_module_that_is_nowhere")})
    wait_for(lambda: box.has("/opt/peon/refused"))
    assert box.run("readlink", "/opt/peon/peon.pyz").stdout == good
    assert not box.has("/opt/peon/trial")
    assert finishes_a_job(installation)


@pytest.mark.parametrize("where", ["host", "environment"])
def test_it_can_be_switched_off(
    box: Machine, installation: Installation, start: Start, offer: Offer, where: str
) -> None:
    options = "--set AUTO_UPDATE=false" if where == "host" else ""
    installation.rest.patch("environments/box/", {"agents_update": where != "environment"})
    install(box, installation, "--runtime process", options, token=installation.token())
    start("sh", "-c", SUPERVISED)
    wait_for(lambda: version_of(box, installation) != "")
    before = version_of(box, installation)
    offer("9.9.6")
    time.sleep(25)
    assert version_of(box, installation) == before
    installation.rest.patch("environments/box/", {"agents_update": True})
