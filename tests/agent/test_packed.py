"""peon.pyz: the agent as one file, on every bare CPython from 3.6 that this machine has."""

import hashlib
import runpy
import subprocess
import zipfile

import pytest

from tests.agent.support.fake_platform import AgentProcess
from tests.agent.test_every_python import VERSIONS, find_interpreter
from tests.support.agent_build import AGENT, packed_agent, wheels


class PackedAgent(AgentProcess):
    def command(self):
        return [self._python, str(packed_agent()), "run", "--config", "/nonexistent"]


@pytest.fixture(params=VERSIONS)
def interpreter(request):
    found = find_interpreter(request.param)
    if found is None:
        pytest.skip(f"no CPython {request.param} on this machine")
    return found


def test_a_job_from_queue_to_end(platform, interpreter, tmp_path):
    agent = PackedAgent(platform, tmp_path / "agent", interpreter, PYTHONPATH="").start()
    try:
        job = platform.add_job(
            "cat main.txt; pip --version; echo x > $VH_OUTPUTS_DIR/o", code={"main.txt": "code\n"}
        )
        assert job.wait(60)["status"] == "complete", job.lines()
        assert job.lines("o")[0] == "code"
        assert job.lines("o")[1].startswith("pip ")
        assert job.content("o") == b"x\n"
    finally:
        print(agent.log())
        agent.stop()


def test_it_needs_nothing_beside_it(interpreter):
    """-S: whatever is installed for the interpreter does not help."""
    done = subprocess.run(
        [interpreter, "-I", "-S", str(packed_agent()), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("peon ")
    imported = f"import sys; sys.path.insert(0, {str(packed_agent())!r}); import redis; print(redis.__file__, redis.__version__)"
    done = subprocess.run(
        [interpreter, "-I", "-S", "-c", imported], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [f"{packed_agent()}/redis/__init__.py", "4.3.6"]


def test_the_same_code_gives_the_same_file(tmp_path):
    again = runpy.run_path(str(AGENT / "build.py"))["pack"](wheels(), tmp_path)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(packed_agent().read_bytes()).digest()


def test_licences_of_what_is_packed_come_with_it():
    with zipfile.ZipFile(packed_agent()) as archive:
        names = archive.namelist()
    packages = {
        line.split("==")[0].replace("-", "_")
        for line in (AGENT / "bundle.txt").read_text().splitlines()
        if "==" in line
    }
    assert {name.split("/")[1] for name in names if name.startswith("licences/")} == packages
