"""The process runtime where the kernel allows less: by a user namespace, and without any namespace."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

from tests.agent.support.fake_platform import AgentProcess, wait_until
from tests.agent.test_mounts import mount, mounts
from tests.agent.test_stopping import alive


class WrappedAgent(AgentProcess):
    """An agent started by another program, such as one that takes rights away."""

    wrapper = ()

    def command(self):
        return list(self.wrapper) + super().command()


def _works(command):
    return (
        shutil.which(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


@pytest.fixture(scope="module")
def bare_agent(platform, tmp_path_factory):
    """No namespace can be made: the limit of the user namespace it lives in is 0."""
    if not _works(["unshare", "-Ur", "true"]):
        pytest.skip("this kernel has no user namespaces, by which the test takes rights away")
    agent = WrappedAgent(platform, tmp_path_factory.mktemp("bare"), sys.executable)
    agent.wrapper = (
        "unshare",
        "-Ur",
        "sh",
        "-c",
        'echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$@"',
        "sh",
    )
    agent.start()
    yield agent
    agent.stop()
    print(agent.log())


def test_without_namespaces_variables_say_where_things_are(platform, bare_agent):
    job = platform.add_job(
        'pwd; echo $VH_REPOSITORY_DIR; cat "$VH_CONFIG_DIR/inputs.json"; echo x > "$VH_OUTPUTS_DIR/x"'
    )
    assert job.wait()["status"] == "complete"
    assert job.lines("o")[0] == job.lines("o")[1]
    assert job.lines("o")[0].startswith(bare_agent.environment["PEON_DIR"])
    assert "x" in job.outputs()
    assert any("gives the job no private /valohai" in line for line in job.lines("s"))
    assert job.facts("info")[0]["values"]["isolation"] == "directories"


@pytest.mark.parametrize("word", ["stop", "kill"])
def test_without_namespaces_the_whole_tree_ends(platform, bare_agent, word):
    marker = f"sleep 65432{os.getpid()}{len(word)}"
    job = platform.add_job(
        f"setsid nohup {marker} & ({marker} &) ; setsid sh -c 'setsid {marker} & wait' & sleep 0.2; echo spawned; sleep 600"
    )
    job.wait_for_line("spawned")
    job.wish(word)
    assert job.wait()["status"] == "stopped"
    assert alive(marker.replace(" ", "\0")) == []


def test_without_namespaces_a_killed_agent_takes_its_job_along(platform, bare_agent):
    marker = f"sleep 54321{os.getpid()}"
    job = platform.add_job(f"setsid {marker} & echo ready; {marker}")
    job.wait_for_line("ready")
    bare_agent.kill()
    wait_until(lambda: not alive(marker.replace(" ", "\0")), 5, "no process of the job is left")
    bare_agent.start()
    assert job.wait()["status"] == "crashed"


def test_installed_programs_run_without_namespaces(platform, bare_agent):
    job = platform.add_job('python -c "import sys; print(sys.prefix)"; command -v pip')
    job.wait()
    assert all(line.startswith(bare_agent.environment["PEON_DIR"]) for line in job.lines("o"))


@pytest.fixture
def folder_of_nobody():
    """A folder that an ordinary user can reach; pytest's own are closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix="peon-nobody-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o755)  # noqa: S103
        folder = os.path.join(name, "agent")
        os.mkdir(folder)
        shutil.chown(folder, 65534, 65534)
        yield folder


def test_ordinary_user_gets_a_private_view(own_platform, request):
    """By a user namespace."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0 or not _works([*user, "unshare", "-Urm", "true"]):
        pytest.skip("needs root to become another user, and user namespaces for it")
    if not _works([*user, sys.executable, "-c", "import peon.main, redis"]):
        pytest.skip("this interpreter cannot be read by an ordinary user")
    folder = pathlib.Path(request.getfixturevalue("folder_of_nobody"))
    agent = WrappedAgent(own_platform, folder, sys.executable, ALLOW_MOUNTS="true")
    agent.wrapper = user
    agent.start()
    try:
        time.sleep(0.1)
        job = own_platform.add_job("pwd; id -u; ls -d /proc/[0-9]* | wc -l")
        assert job.wait()["status"] == "complete"
        assert job.lines("o")[:2] == ["/valohai/repository", "65534"]
        assert int(job.lines("o")[2]) < 8
        mounted = own_platform.add_job(
            "ls -d /lake/doc; touch /lake/x", mounts=mounts(mount("/usr/share", "/lake"))
        )
        mounted.wait()
        assert mounted.lines("o") == ["/lake/doc"]
        assert "Read-only file system" in mounted.lines("e")[0]
    finally:
        agent.stop()
        print(agent.log())
