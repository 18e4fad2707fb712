"""The agent on every CPython from 3.6 to 3.14 that this machine has: its own tests, and jobs from queue to end."""

import glob
import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.agent.support.fake_platform import AgentProcess
from tests.agent.test_inputs import entry, file_of, page_of, run_with_pages
from tests.agent.test_packages import file_named, package_of, tar_of

HERE = Path(__file__).resolve().parent
AGENT = HERE.parents[1] / "agent"
VERSIONS = ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "peon-test-environments"
PACKAGES = ["redis>=4.3,<9", "pytest", "PyYAML"]


@pytest.fixture(scope="module", params=VERSIONS)
def python(request):
    """An interpreter of the version, in a virtual environment with what the agent needs."""
    version = request.param
    interpreter = find_interpreter(version)
    if interpreter is None:
        pytest.skip(f"no CPython {version} on this machine")
    return str(environment_of(version, interpreter) / "bin" / "python")


def find_interpreter(version):
    installed = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python")))
    candidates = [*installed, shutil.which("python" + version)]
    for candidate in filter(None, candidates):
        # A pyenv shim is found for versions that are not active, and fails.
        said = subprocess.run(
            [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == version:
            return candidate
    return None


def environment_of(version, interpreter):
    key = hashlib.sha256(repr((interpreter, PACKAGES)).encode()).hexdigest()[:12]
    environment = CACHE / f"{version}-{key}"
    if not environment.is_dir():
        unfinished = CACHE / f"{version}-{key}.{os.getpid()}"
        subprocess.run([interpreter, "-m", "venv", unfinished], check=True, capture_output=True)
        pip = [unfinished / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if version == "3.6":
            subprocess.run([*pip, "--upgrade", "pip<22"], check=True, capture_output=True)
        subprocess.run([*pip, *PACKAGES], check=True, capture_output=True)
        unfinished.rename(environment)
    return environment


@pytest.fixture(scope="module")
def old_agent(platform, python, tmp_path_factory):
    agent = AgentProcess(platform, tmp_path_factory.mktemp("agent"), python, PYTHONPATH=str(AGENT)).start()
    yield agent
    agent.stop()
    print(agent.log())


def test_own_tests(python):
    files = [HERE / name for name in ("test_cache.py", "test_lines.py", "test_masking.py", "test_spool.py")]
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", HERE, "--noconftest", "-p", "no:cacheprovider", *files],
        env={**os.environ, "PYTHONPATH": str(AGENT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_is_printed(python):
    done = subprocess.run(
        [python, "-m", "peon", "--version"],
        env={"PYTHONPATH": str(AGENT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("peon ")


def test_job_with_everything(platform, old_agent):
    file = file_of(platform, "a.txt", b"input\n", datum_id="d-" + os.urandom(4).hex())
    command = "cat main.txt $VH_INPUTS_DIR/data/a.txt; python --version; seq 20000; printf 'bad\\xff\\0\\n'; echo x > $VH_OUTPUTS_DIR/o"
    job = platform.add_job(command, code={"main.txt": "code\n"}, inputs=[entry(file)])
    assert job.wait(60)["status"] == "complete", job.lines()
    lines = job.lines("o")
    assert lines[:2] == ["code", "input"]
    assert lines[3:-1] == [str(number) for number in range(1, 20_001)]
    assert lines[-1] == "bad\ufffd\ufffd"
    assert job.content("o") == b"x\n"


def test_input_files_in_a_package(platform, old_agent):
    contents = [b"%d" % number for number in range(50)]
    files = [file_named(f"f{number}", content) for number, content in enumerate(contents)]
    archive = tar_of((file["datum_id"], content) for file, content in zip(files, contents, strict=True))
    package = package_of(platform.serve("/packages/" + os.urandom(4).hex(), archive), archive, len(files))
    job = run_with_pages(
        platform, lambda after: page_of(files, packages=[package]), "cat $(ls -v $VH_INPUTS_DIR/data/*)"
    )
    assert job.wait(60)["status"] == "complete", job.lines()
    assert job.lines("o")[0] == b"".join(contents).decode()
    assert any("package of 50 input files downloaded" in line for line in job.lines("s"))


def test_stop_and_redis_flush(platform, old_agent):
    job = platform.add_job("seq 100; echo ready; sleep 600")
    job.wait_for_line("ready")
    platform.redis.flushall()
    job.wish("stop")
    assert job.wait()["status"] == "stopped"
    assert job.lines("o") == [str(number) for number in range(1, 101)] + ["ready"]


def test_killed_and_started_again(platform, old_agent):
    job = platform.add_job("echo ready; sleep 600")
    job.wait_for_line("ready")
    old_agent.kill()
    old_agent.start()
    assert job.wait()["status"] == "crashed"
    assert platform.add_job("echo next").wait()["status"] == "complete"


def test_ends_on_a_signal(platform, old_agent):
    assert platform.add_job("echo hello").wait()["status"] == "complete"
    old_agent.process.send_signal(signal.SIGTERM)
    try:
        assert old_agent.process.wait(30) == 0
    finally:
        old_agent.kill()
        old_agent.start()  # the tests of one interpreter share it, in any order
