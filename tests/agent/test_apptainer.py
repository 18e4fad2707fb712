"""The runtime for clusters. Apptainer itself is stood in for by a program that takes exactly the options the agent may use."""

import os
import sys

import pytest

from tests.agent.support import apptainer_double
from tests.agent.support.fake_platform import AgentProcess, wait_until


@pytest.fixture(scope="module")
def in_containers(platform, tmp_path_factory):
    folder = tmp_path_factory.mktemp("apptainer")
    program = folder / "bin" / "apptainer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec env -u PYTHONHOME PYTHONPATH={os.environ.get("PYTHONPATH", "")} '
                       f'{sys.executable} {apptainer_double.__file__} "$@"\n')  # fmt: skip
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    agent = AgentProcess(
        platform,
        folder,
        sys.executable,
        PATH=path,
        RUNTIME="apptainer",
        CUDA_VISIBLE_DEVICES="0",
        ALLOW_MOUNTS="true",
    )
    agent.start()
    yield agent
    agent.stop()
    print(agent.log())


def test_the_command_runs_in_its_image_with_its_own_variables_only(platform, in_containers):
    job = platform.add_job(
        'echo $IMAGE; echo $FLAGS; pwd; echo "[$MINE] [$AGENT_SECRET]"; python3 train.py; echo x > /valohai/outputs/x',
        code={"train.py": "print('trained')\n"}, image="busybox:1.36", variables={"MINE": "a b"},
    )  # fmt: skip
    assert job.wait()["status"] == "complete", in_containers.log()
    assert job.lines("o") == [
        "docker://busybox:1.36", "--cleanenv --containall --no-home --nv --writable-tmpfs", "/valohai/repository",
        "[a b] []", "trained",
    ]  # fmt: skip
    assert "x" in job.outputs()
    again = platform.add_job("true", image="busybox:1.36")
    assert again.wait()["status"] == "complete"
    assert "image busybox:1.36 found in cache" in again.lines("s")


def test_an_image_that_is_a_file_of_the_machine(platform, in_containers, tmp_path):
    (tmp_path / "own.sif").write_text("of the machine")
    job = platform.add_job("echo $IMAGE", image=str(tmp_path / "own.sif"))
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["of the machine"]
    ended = platform.add_job("true", image="/no/such.sif").wait()
    assert (ended["status"], ended["reason"]) == (
        "error",
        "The image '/no/such.sif' is no file on this machine.",
    )


def test_an_image_that_cannot_be_pulled(platform, in_containers):
    ended = platform.add_job("true", image="missing").wait()
    assert ended["status"] == "error"
    assert (
        "cannot be pulled: FATAL:   While making image from oci registry: manifest unknown" in ended["reason"]
    )


def test_a_stop_ends_the_pull_and_leaves_nothing(platform, in_containers):
    job = platform.add_job("true", image="slow")
    wait_until(lambda: any("pulling" in line for line in job.lines("s")), 20, "pulling")
    job.wish("stop")
    assert job.wait()["status"] == "stopped"
    images = os.path.join(in_containers.environment["PEON_DIR"], "cache", "images")
    assert [name for name in os.listdir(images) if not name.endswith(".sif")] == []


def test_a_stop_reaches_the_command(platform, in_containers):
    job = platform.add_job("trap 'echo told; exit 0' INT; echo ready; sleep 60 & wait", image="busybox")
    wait_until(lambda: "ready" in job.lines("o"), 20, "ready")
    job.wish("stop")
    assert job.wait()["status"] == "stopped"
    assert "told" in job.lines("o")


def mounted(**facts):
    given = {
        "kind": "host",
        "host": "",
        "path": "/srv",
        "destination": "/data",
        "readonly": True,
        "options": {},
        **facts,
    }
    return {"allowed": [given], "refused": [], "notes": [], "required": False}


def test_directories_are_mounted_and_shares_are_not(platform, in_containers, tmp_path):
    job = platform.add_job("echo $BINDS", image="busybox", mounts=mounted(path=str(tmp_path)))
    assert job.wait()["status"] == "complete", job.lines("s")
    assert job.lines("o") == [f"{tmp_path}:/data:ro"]
    share = mounted(kind="nfs", host="filer", path="/export")
    ended = platform.add_job("true", image="busybox", mounts=share).wait()
    assert (ended["status"], "mount directories only" in ended["reason"]) == ("error", True)
    ended = platform.add_job(
        "true", image="busybox", mounts=mounted(path=str(tmp_path), destination="/data:/etc")
    ).wait()
    assert (ended["status"], "has a colon or a comma" in ended["reason"]) == ("error", True)
