"""Jobs in containers of a real Docker Engine, started for these tests with a data folder of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import time

import pytest

from tests.agent.support.fake_platform import AgentProcess, wait_until
from tests.agent.test_inputs import entry, file_of
from tests.agent.test_mounts import mount, mounts

pytestmark = pytest.mark.docker

IMAGE = "peon-tests/base:1"
PROGRAMS = [
    "sh",
    "bash",
    "cat",
    "ls",
    "sleep",
    "env",
    "seq",
    "mkdir",
    "touch",
    "id",
    "tail",
    "head",
    "true",
    "grep",
    "nproc",
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The address of a running engine that has IMAGE, and IMAGE without bash."""
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("needs root and dockerd (Debian's docker.io)")
    folder = tmp_path_factory.mktemp("docker")
    address = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-H", address,
             "--pidfile", folder / "pid", "--bridge=none", "--iptables=false"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        docker = ["docker", "-H", address]
        deadline = time.monotonic() + 60
        while subprocess.run([*docker, "version"], capture_output=True, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip("dockerd does not start here: " + (folder / "log").read_text()[-300:])
            time.sleep(0.1)
        for tag, programs in (
            (IMAGE, PROGRAMS),
            (IMAGE + "-sh", [name for name in PROGRAMS if name != "bash"]),
        ):
            archive = folder / "image.tar"
            write_image(archive, programs)
            subprocess.run([*docker, "import", archive, tag], check=True, capture_output=True)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        subprocess.run(["umount", "-R", "-q", folder / "data"], check=False, capture_output=True)


def write_image(path, programs):
    """A root file system with a few programs of this host and the libraries they need."""
    files = set()
    for name in programs:
        program = shutil.which(name, path="/usr/bin:/bin")
        files.add(program)
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        files.update(word for line in linked.splitlines() for word in line.split() if word.startswith("/"))
    with tarfile.open(path, "w", dereference=True) as tar:
        for folder in ("tmp", "proc", "sys", "dev", "etc"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(info)
        for file in sorted(files):
            tar.add(file, arcname=file)
            if file.startswith("/usr/bin/"):
                tar.add(file, arcname=file[4:])


@pytest.fixture(scope="module")
def docker_agent(platform, engine, tmp_path_factory):
    agent = AgentProcess(
        platform, tmp_path_factory.mktemp("agent"), sys.executable, RUNTIME="auto", DOCKER_HOST=engine,
        ALLOW_MOUNTS="true",
    )  # fmt: skip
    agent.start()
    yield agent
    agent.stop()
    print(agent.log())


def containers(engine):
    listed = subprocess.run(["docker", "-H", engine, "ps", "-aq"], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def add(platform, command, **changes):
    return platform.add_job(
        command, **dict({"image": IMAGE, "variables": {"VH_DOCKER_NETWORK": "none"}}, **changes)
    )


def test_job_in_a_container(platform, docker_agent, engine):
    file = file_of(platform, "a.txt", b"input\n")
    command = "pwd; cat main.txt $VH_INPUTS_DIR/data/a.txt; ls /valohai/config; env; echo oops >&2; echo out > $VH_OUTPUTS_DIR/o"
    job = add(platform, command, code={"main.txt": "code\n"}, inputs=[entry(file)])
    finish = job.wait(60)
    assert (finish["status"], finish["exit_code"]) == ("complete", 0), job.lines()
    lines = job.lines("o")
    assert lines[:3] == ["/valohai/repository", "code", "input"]
    assert "parameters.yaml" in lines
    assert "VH_JOB_ID=exec-" + job.id in lines
    assert job.lines("e") == ["oops"]
    assert job.content("o") == b"out\n"
    said = "\n".join(job.lines("s"))
    assert f"image {IMAGE} found in cache" in said
    assert "container finished with return code 0" in said
    info = job.facts("info")[0]["values"]
    assert info["runtime"] == "docker"
    assert info["image_digest"].startswith("sha256:")
    wait_until(lambda: not containers(engine), 10, "the container is removed")


def test_many_lines_in_order(platform, docker_agent):
    job = add(platform, "seq 200000; seq 5 >&2")
    assert job.wait(90)["status"] == "complete"
    assert job.lines("o") == [str(number) for number in range(1, 200_001)]
    assert job.lines("e") == ["1", "2", "3", "4", "5"]


def test_shell_of_the_image(platform, docker_agent):
    with_bash = add(platform, "echo ${BASH_VERSION:-none}")
    without = add(platform, "echo ${BASH_VERSION:-none}", image=IMAGE + "-sh")
    with_bash.wait(60)
    without.wait(60)
    assert with_bash.lines("o") != ["none"]
    assert without.lines("o") == ["none"]


def test_exit_code_and_shebang(platform, docker_agent):
    assert add(platform, "exit 7").wait(60)["exit_code"] == 7
    job = add(platform, "#!/bin/cat\nshown by cat")
    assert job.wait(60)["status"] == "complete"
    assert "shown by cat" in job.lines("o")


def test_image_that_cannot_be_pulled(platform, docker_agent):
    finish = add(platform, "true", image="127.0.0.1:9/no/such:image").wait(60)
    assert finish["status"] == "error"
    assert "The image '127.0.0.1:9/no/such:image' cannot be pulled" in finish["reason"]


def test_stop_interrupts_and_keeps_outputs(platform, docker_agent):
    job = add(
        platform,
        "echo x > /valohai/outputs/x; trap 'echo interrupted; exit 1' INT; echo ready; while true; do sleep 0.1; done",
    )
    job.wait_for_line("ready", 60)
    job.wish("stop")
    finish = job.wait(60)
    assert finish["status"] == "stopped"
    assert "interrupted" in job.lines("o")
    assert job.content("x") == b"x\n"


@pytest.mark.parametrize("word", ["stop", "kill"])
def test_command_that_ignores_everything_is_killed(platform, docker_agent, engine, word):
    grace = {"stop_grace_seconds": 0.5 if word == "stop" else 600}
    job = add(
        platform,
        "trap '' INT TERM; echo x > /valohai/outputs/x; echo ready; while true; do sleep 0.1; done",
        limits=grace,
    )
    job.wait_for_line("ready", 60)
    job.wish(word)
    assert job.wait(60)["status"] == "stopped"
    assert "x" in job.outputs()
    wait_until(lambda: not containers(engine), 10, "the container is removed")


def test_cpu_limit_and_stats(platform, docker_agent):
    job = add(platform, "nproc; sleep 2.5", variables={"VH_DOCKER_NETWORK": "none", "VH_CPU_LIMIT": "0,"})
    assert job.wait(60)["status"] == "complete", job.lines()
    assert job.lines("o") == ["1"]
    assert job.facts("stats")[0]["values"]["memory_usage_kb"] >= 0


def test_containers_of_a_killed_agent_are_removed(platform, docker_agent, engine):
    job = add(platform, "echo ready; sleep 600")
    job.wait_for_line("ready", 60)
    docker_agent.kill()
    assert containers(engine)
    docker_agent.start()
    assert job.wait(60)["status"] == "crashed"
    wait_until(lambda: not containers(engine), 20, "the leftover is removed")
    with contextlib.suppress(KeyError):
        assert not job.outputs()


def test_images_that_no_container_uses_go_from_a_full_disk(own_platform, engine, tmp_path):
    docker = ["docker", "-H", engine]
    kept = [subprocess.run([*docker, "create", tag, "true"], check=True, capture_output=True, text=True).stdout.strip()
            for tag in (IMAGE, IMAGE + "-sh")]  # fmt: skip
    write_image(tmp_path / "image.tar", ["true"])
    unused = "peon-tests/unused:1"
    subprocess.run([*docker, "import", tmp_path / "image.tar", unused], check=True, capture_output=True)
    settings = {"RUNTIME": "docker", "DOCKER_HOST": engine, "DISK_FREE_MIN": "99.9%"}
    agent = AgentProcess(own_platform, tmp_path / "agent", sys.executable, **settings).start()
    try:
        job = add(own_platform, "true")
        assert job.wait(60)["status"] == "complete", job.lines()
        said = "\n".join(job.lines("s"))
        assert f"images that no container uses: {unused}" in said
        assert f"image {IMAGE} found in cache" in said
    finally:
        agent.stop()
        subprocess.run([*docker, "rm", *kept], check=True, capture_output=True)


def test_a_container_gets_as_much_memory_as_was_asked_for(platform, docker_agent, engine):
    variables = {"VH_DOCKER_NETWORK": "none", "VH_MEMORY_LIMIT": "64M", "VH_CPU_LIMIT": "1.5"}
    job = add(platform, "echo ready; sleep 600", variables=variables)
    job.wait_for_line("ready", 60)
    [container] = subprocess.run(
        ["docker", "-H", engine, "ps", "-q", "--filter", f"label=peon.execution={job.id}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    asked = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}}"
    inspected = subprocess.run(
        ["docker", "-H", engine, "inspect", "--format", asked, container],
        capture_output=True,
        text=True,
        check=True,
    )
    assert inspected.stdout.split() == [str(64 << 20), str(64 << 20), "1500000000"]
    job.wish("kill")
    job.wait()


class TestMounts:
    def test_a_directory_of_the_host(self, platform, docker_agent, tmp_path):
        folder = tmp_path.resolve()
        (folder / "a.txt").write_text("from the host\n")
        shown = mounts(mount(folder, "/mnt/lake"), mount(folder, "/mnt/scratch", readonly=False))
        job = add(
            platform, "cat /mnt/lake/a.txt; touch /mnt/scratch/new; touch /mnt/lake/other", mounts=shown
        )
        job.wait()
        assert job.lines("o") == ["from the host"]
        assert "Read-only file system" in job.lines("e")[0]
        assert sorted(os.listdir(folder)) == ["a.txt", "new"]

    def test_a_share_is_a_volume_that_goes_with_the_container(self, platform, docker_agent, engine):
        """The engine tries to mount it; here nobody answers, or the kernel knows no NFS."""
        share = mount("/export", "/mnt/lake", kind="nfs", host="127.0.0.1", options={"vers": "4", "soft": ""})
        finish = add(platform, "true", mounts=mounts(share)).wait()
        assert finish["status"] == "error"
        assert "The container could not be started" in finish["reason"]
        assert ":/export" in finish["reason"]
        listed = subprocess.run(
            ["docker", "-H", engine, "volume", "ls", "-q"], capture_output=True, text=True, check=True
        )
        assert listed.stdout.split() == []
