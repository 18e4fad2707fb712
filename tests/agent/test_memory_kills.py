"""A command that the kernel kills for its memory, in a control group that it shares with its agent."""

import os
import pathlib
import sys

import pytest

from peon import memory_kills
from tests.agent.support.fake_platform import AgentProcess

LIMIT_BYTES = 200 << 20


def own_memory_group():
    """The folder of this process's own group that limits memory, in either version of control groups."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if "memory" in controllers.split(","):
            return pathlib.Path("/sys/fs/cgroup/memory" + group), "memory.limit_in_bytes"
        if not controllers and os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            return pathlib.Path("/sys/fs/cgroup" + group), "memory.max"
    return None, ""


@pytest.fixture
def small_group(tmp_path):
    parent, limit = own_memory_group()
    folder = parent / tmp_path.name if parent else None
    try:
        folder.mkdir()
        (folder / limit).write_text(str(LIMIT_BYTES))
    except (OSError, AttributeError):
        pytest.skip("no control group that limits memory can be made here")
    yield folder
    folder.rmdir()


class AgentInGroup(AgentProcess):
    group = None

    def command(self):
        return [
            "sh",
            "-c",
            'echo $$ > "$0" && exec "$@"',
            str(self.group / "cgroup.procs"),
            *super().command(),
        ]


def test_the_end_says_that_it_was_memory(platform, tmp_path, small_group):
    agent = AgentInGroup(platform, tmp_path / "agent", sys.executable)
    agent.group = small_group
    agent.start()
    try:
        job = platform.add_job("echo before; python3 -c 'x = bytearray(500 << 20)'; exit $?")
        ended = job.wait()
        assert (ended["status"], ended["reason"]) == (
            "error",
            "The command ran out of memory and was killed.",
        )
        assert job.lines("o") == ["before"]
        assert platform.add_job("exit 3").wait()["reason"] == "The command ended with exit code 3."
    finally:
        agent.stop()
        print(agent.log())


@pytest.mark.parametrize(
    ("groups", "files", "count"),
    [
        ("0::/job\n", {"job/memory.events": "low 0\noom 2\noom_kill 3\n"}, 3),
        ("0::/job\n", {"unified/job/memory.events": "oom_kill 1\n"}, 1),
        ("4:memory:/job\n0::/\n", {"memory/job/memory.oom_control": "under_oom 0\noom_kill 5\n"}, 5),
        ("4:cpu,memory:/a:b\n", {"memory/a:b/memory.oom_control": "oom_kill 0\n"}, 0),
        ("0::/job\n", {}, None),
        ("0::/job\n", {"job/memory.events": "oom_kill many\n"}, None),
        ("nonsense\n", {}, None),
    ],
)
def test_where_it_is_counted(tmp_path, groups, files, count):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(groups)
    assert memory_kills.count(str(tmp_path), str(tmp_path / "own")) == count
