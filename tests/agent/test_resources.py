"""GPUs, memory and disks of a host: what jobs get, and what is done when there is too little."""

import contextlib
import os
import subprocess
import sys

import pytest

from peon.gpus import Gpus
from tests.agent.support.fake_platform import AgentProcess, wait_until
from tests.agent.test_inputs import entry, file_of
from tests.agent.test_status import keys

L4 = "echo '0, NVIDIA L4, 23034'; echo '1, NVIDIA L4, 23034'"


@pytest.fixture
def tool(tmp_path):
    """A program that stands for NVIDIA's: no GPU is in the machines that test this."""

    def tool(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "nvidia-smi").write_text("#!/bin/sh\n" + script)
        (folder / "nvidia-smi").chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    return tool


@contextlib.contextmanager
def running(platform, folder, **settings):
    agent = AgentProcess(platform, folder, sys.executable, **settings).start()
    try:
        yield agent
    finally:
        print(agent.log())
        agent.stop()


def test_an_agent_of_one_gpu_gives_its_jobs_that_one(own_platform, tmp_path, tool):
    with running(own_platform, tmp_path / "a", PATH=tool(L4), SINGLE_GPU_PER_PEON="true", PEON_INSTANCE="1"):
        job = own_platform.add_job(
            "echo GPU $CUDA_VISIBLE_DEVICES", variables={"CUDA_VISIBLE_DEVICES": "0,1"}
        )
        assert job.wait()["status"] == "complete"
        assert job.lines("o") == ["GPU 1"]


def test_otherwise_a_job_sees_all(own_platform, tmp_path, tool):
    with running(own_platform, tmp_path / "a", PATH=tool(L4)):
        job = own_platform.add_job('echo "GPU [$CUDA_VISIBLE_DEVICES]"')
        assert job.wait()["status"] == "complete"
        assert job.lines("o") == ["GPU []"]
        wait_until(lambda: own_platform.redis.hlen(keys.queue_workers("local")), 10, "a hello")
        said = own_platform.redis.hvals(keys.queue_workers("local"))[0].decode()
        assert '"gpu_count": 2' in said
        assert "NVIDIA L4" in said


@pytest.mark.parametrize(
    "settings", [{"PEON_INSTANCE": "2"}, {"PEON_INSTANCE": "-1"}, {"PEON_INSTANCE": "x"}]
)
def test_an_agent_whose_gpu_is_not_there_does_not_start(own_platform, tmp_path, tool, settings):
    agent = AgentProcess(
        own_platform, tmp_path / "a", sys.executable, PATH=tool(L4), SINGLE_GPU_PER_PEON="true", **settings
    ).start()
    assert agent.process.wait(20) == 2
    assert "SINGLE_GPU_PER_PEON" in agent.log()


def test_what_a_container_asks_the_engine_for():
    found = [
        {"index": 0, "name": "NVIDIA L4", "memory_mb": 1},
        {"index": 1, "name": "NVIDIA L4", "memory_mb": 1},
    ]
    base = {"Driver": "nvidia", "Capabilities": [["gpu"]]}
    assert Gpus(found, None).device_requests() == [{**base, "Count": -1}]
    assert Gpus(found, 1).device_requests() == [{**base, "DeviceIDs": ["1"]}]
    assert Gpus([], None).device_requests() == []


def test_a_process_gets_as_much_memory_as_was_asked_for(platform, agent):
    take = "python -c 'x = bytearray({} << 20); print(len(x))'"
    variables = {"VH_MEMORY_LIMIT": "200M"}
    assert platform.add_job(take.format(50), variables=variables).wait()["status"] == "complete"
    job = platform.add_job(take.format(400), variables=variables)
    assert job.wait()["status"] == "error"
    assert any("MemoryError" in line for line in job.lines("e"))


@pytest.mark.parametrize("limit", ["-1G", "lots", "1", "1e999G"])
def test_an_absurd_limit_ends_the_job_in_words(platform, agent, limit):
    ended = platform.add_job("true", variables={"VH_MEMORY_LIMIT": limit}).wait()
    assert ended["status"] == "error"
    assert "VH_MEMORY_LIMIT" in ended["reason"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False)
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_caches_go_before_a_job_on_a_disk_that_is_nearly_full(own_platform, tmp_path, small_disk):
    old, new = (file_of(own_platform, name, os.urandom(20 << 20), datum_id=name) for name in ("old", "new"))
    settings = {"PEON_DIR": str(small_disk / "peon"), "DISK_FREE_MIN": "50%"}
    with running(own_platform, tmp_path / "a", **settings):
        first = own_platform.add_job("true", inputs=[entry(old)])
        assert first.wait()["status"] == "complete"
        assert not any(line.startswith("disk:") for line in first.lines("s"))
        second = own_platform.add_job("true", inputs=[entry(new)])
        assert second.wait()["status"] == "complete"
        third = own_platform.add_job("true")
        assert third.wait()["status"] == "complete"
        said = [line for line in third.lines("s") if line.startswith("disk:")]
        assert "less than DISK_FREE_MIN (50%)" in said[0]
        assert said[1] == "disk: removed 21.0 MB of this worker's cache"
        assert len(said) == 2, "one of the two was enough"
        used_again = own_platform.add_job("true", inputs=[entry(new)])
        used_again.wait()
        assert any("cache" in line for line in used_again.lines("s")), "the newer one stayed"


def test_when_nothing_can_be_removed_the_job_says_so_and_runs(own_platform, tmp_path, small_disk):
    (small_disk / "others").write_bytes(b"x" * (40 << 20))
    with running(own_platform, tmp_path / "a", PEON_DIR=str(small_disk / "peon"), DISK_FREE_MIN="50%"):
        job = own_platform.add_job("echo ran")
        assert job.wait()["status"] == "complete"
        assert any("nothing more can be removed" in line for line in job.lines("s"))
        assert job.lines("o") == ["ran"]
