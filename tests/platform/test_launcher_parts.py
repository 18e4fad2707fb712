"""The launcher's small parts, without a platform."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.live import CHECKOUT
from valohai_app.launcher import environment
from valohai_app.launcher.folders import DataFolder
from valohai_app.launcher.output import LONGEST_LINE_BYTES, LineReader
from valohai_app.launcher.records import AlreadyRunning, RunRecord, end_leftovers
from valohai_app.launcher.short_paths import LONGEST_FOLDER_BYTES, socket_folder


class TestSecrets:
    def test_made_once_and_private(self, tmp_path: Path) -> None:
        first = environment.platform_environment(DataFolder(tmp_path), {})["SECRET_KEY"]
        again = environment.platform_environment(DataFolder(tmp_path), {})["SECRET_KEY"]
        assert first == again
        assert len(first) > 40
        assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600

    def test_what_the_user_set_stays(self, tmp_path: Path) -> None:
        given = {
            "SECRET_KEY": "theirs",
            "LOCAL_REPOSITORY_ROOTS": "/srv/git",
            "ALLOW_LOCAL_REPOSITORIES": "false",
        }
        added = environment.platform_environment(DataFolder(tmp_path), given)
        assert "SECRET_KEY" not in added
        assert "ALLOW_LOCAL_REPOSITORIES" not in added
        assert added["LOCAL_REPOSITORY_ROOTS"] == f"/srv/git,{tmp_path / 'example-repository'}"

    def test_agent_gets_none(self, tmp_path: Path) -> None:
        given = {
            "SECRET_KEY": "x",
            "SECRET_KEY_FILE": "x",
            "DATABASE_URL": "x",
            "PATH": f"{sys.prefix}/bin:/bin",
            "VIRTUAL_ENV": sys.prefix,
            "QUEUES": "gpu",
        }
        made = environment.agent_environment(DataFolder(tmp_path), given, redis_url="r", app_url="u")
        assert not {"SECRET_KEY", "SECRET_KEY_FILE", "DATABASE_URL"} & set(made)
        assert "VIRTUAL_ENV" not in made
        assert (made["PATH"], made["QUEUES"], made["REDIS_URL"], made["APP_URL"]) == ("/bin", "gpu", "r", "u")


class TestSocketFolder:
    def test_short_path_is_used_as_it_is(self, tmp_path: Path) -> None:
        short = Path(f"/tmp/mlops-test-{os.getpid()}")
        try:
            assert socket_folder(short) == short
        finally:
            short.rmdir()

    def test_long_path_gets_a_short_private_one(self, tmp_path: Path) -> None:
        wanted = tmp_path / ("x" * 100)
        folder = socket_folder(wanted)
        try:
            assert len(os.fsencode(folder)) <= LONGEST_FOLDER_BYTES
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert socket_folder(wanted) == folder
            assert socket_folder(tmp_path / ("y" * 100)) != folder
        finally:
            folder.rmdir()
            socket_folder(tmp_path / ("y" * 100)).rmdir()

    def test_folder_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        folder = socket_folder(tmp_path / ("x" * 100))
        folder.rmdir()
        folder.symlink_to(tmp_path)
        try:
            with pytest.raises(PermissionError, match="belongs to somebody else"):
                socket_folder(tmp_path / ("x" * 100))
        finally:
            folder.unlink()


class TestLineReader:
    def test_lines_come_whole_and_the_rest_at_the_end(self) -> None:
        reading, writing = os.pipe()
        reader = LineReader(reading)
        assert reader.read() == ([], True)
        os.write(writing, b"one\ntw")
        assert reader.read() == (["one"], True)
        os.write(writing, b"o\nthree \xff")
        assert reader.read() == (["two"], True)
        os.close(writing)
        assert reader.read() == (["three \ufffd"], False)
        os.close(reading)

    def test_line_without_end_is_cut(self) -> None:
        reading, writing = os.pipe()
        reader = LineReader(reading)
        cut = []
        for _ in range(5):
            os.write(writing, b"x" * (LONGEST_LINE_BYTES // 2))
            cut += reader.read()[0]
        assert [len(line) for line in cut] == [LONGEST_LINE_BYTES // 2 * 3]
        os.close(writing)
        os.close(reading)


class TestRunRecord:
    def test_one_launcher_per_data_folder(self, tmp_path: Path) -> None:
        record = RunRecord(tmp_path)
        with pytest.raises(AlreadyRunning, match="--data"):
            RunRecord(tmp_path)
        assert record.path.parent == tmp_path

    def test_leftovers_are_found_and_ended(self, tmp_path: Path) -> None:
        stubborn = subprocess.Popen(
            [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(99)"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        record = RunRecord(tmp_path)
        record.add("web", stubborn.pid, signal.SIGTERM)
        leftovers = record.leftovers()
        assert [process.pid for process, _ in leftovers] == [stubborn.pid]
        end_leftovers(leftovers)
        assert not psutil.pid_exists(stubborn.pid)

    def test_another_process_with_the_same_number_is_left_alone(self, tmp_path: Path) -> None:
        record = RunRecord(tmp_path)
        record.add("web", os.getpid(), signal.SIGTERM)
        record.path.write_text(record.path.read_text().replace('"started_at": 1', '"started_at": 2'))
        assert record.leftovers() == []

    def test_torn_record_is_no_record(self, tmp_path: Path) -> None:
        record = RunRecord(tmp_path)
        record.path.write_text('{"proc')
        assert record.leftovers() == []


SUPERVISED = """\
import os, signal, sys, time
from pathlib import Path
from valohai_app.launcher.children import program
from valohai_app.launcher.output import CombinedLog
from valohai_app.launcher.records import RunRecord
from valohai_app.launcher.supervisor import Service, Supervisor

folder = Path(sys.argv[1])
supervisor = Supervisor(CombinedLog(folder), RunRecord(folder))
for name, script in (("steady", sys.argv[2]), ("brief", "echo brief; exit 3")):
    supervisor.start(Service(name, program(["sh", "-c", script]), signal.SIGTERM, grace_seconds=1))
supervisor.run_until_stopped()
supervisor.stop([["steady"]])
"""


class TestSupervisor:
    @pytest.fixture
    def supervise(self, tmp_path: Path) -> "subprocess.Popen[str]":
        return self._start(tmp_path, "echo started; sleep 99")

    def _start(self, folder: Path, script: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", SUPERVISED, str(folder), script],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def test_dead_child_starts_again_and_says_so(self, supervise: "subprocess.Popen[str]") -> None:
        assert supervise.stdout is not None
        seen: list[str] = []
        while sum("brief     | brief" in line for line in seen) < 3:
            seen.append(supervise.stdout.readline())
        assert any("brief ended with 3; it starts again in" in line for line in seen)
        supervise.send_signal(signal.SIGTERM)
        assert supervise.wait(10) == 0

    @pytest.mark.parametrize(
        "script", ["echo started; sleep 99", "trap '' TERM; echo started; sleep 99; sleep 99"]
    )
    def test_stop_leaves_nobody(self, tmp_path: Path, script: str) -> None:
        supervise = self._start(tmp_path, script)
        self._wait_for(supervise, "started")
        children = psutil.Process(supervise.pid).children(recursive=True)
        supervise.send_signal(signal.SIGINT)
        assert supervise.wait(10) == 0
        assert psutil.wait_procs(children, timeout=5)[1] == []

    def test_children_die_with_a_killed_supervisor(self, supervise: "subprocess.Popen[str]") -> None:
        self._wait_for(supervise, "started")
        children = psutil.Process(supervise.pid).children()
        supervise.kill()
        supervise.wait(10)
        assert psutil.wait_procs(children, timeout=5)[1] == []

    def _wait_for(self, supervise: "subprocess.Popen[str]", text: str) -> None:
        assert supervise.stdout is not None
        while text not in supervise.stdout.readline():
            pass


def test_old_python_is_told_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    (tmp_path / "python3").chmod(0o755)
    for tool in ("dirname", "sh"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    run = subprocess.run(
        [CHECKOUT / "script" / "server"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "Python 3.11 or newer is needed; found: Python 3.9.2." in run.stderr


def test_environment_is_not_made_again_while_nothing_changed(tmp_path: Path) -> None:
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").symlink_to(sys.executable)
    code = (
        "import sys, json; sys.path.insert(0, 'script'); import environment as e\n"
        "e.STAMP.write_text(json.dumps({'sources': e._sources(), 'extras': ['dev', 'embedded']}))\n"
        "print(e._is_current({'embedded'}), e._is_current({'aws'}))"
    )
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "VENV": str(made)}, cwd=CHECKOUT, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert run.stdout.split() == ["True", "False"]
    assert time.monotonic() - began < 5
