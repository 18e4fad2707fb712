"""The launcher with everything in it: first start, next start, and what a kill -9 leaves."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import services
from tests.support.live import CHECKOUT, LivePlatform, data_folder, make_platform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.fault]

PARTS = {"web", "scheduler", "autoscaler", "ingest", "celery", "agent", "postgres", "redis"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture
def platform(folder: Path) -> Iterator[LivePlatform]:
    platform = make_platform(folder)
    yield platform
    if platform.process is not None and platform.process.poll() is None:
        platform.stop()


def rest(platform: LivePlatform) -> Rest:
    return Rest(platform.url, platform.token)


def test_first_start_writes_a_login_that_works(platform: LivePlatform) -> None:
    platform.start()
    path = platform.data / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(platform.credentials) == {"url", "username", "password", "token"}
    assert platform.credentials["url"] == platform.url
    assert rest(platform).get("users/me/")["username"] == platform.username
    login = {"username": platform.username, "password": platform.password}
    answer = httpx.post(f"{platform.url}/api/v0/get-token/", json=login, trust_env=False)
    assert answer.status_code == 200
    assert platform.url in platform.output()
    assert platform.password in platform.output()


def test_ctrl_c_stops_everything_and_the_next_start_goes_on(platform: LivePlatform) -> None:
    platform.start()
    project = rest(platform).create_project("kept")
    token = platform.token
    assert {platform.pid_of(part) for part in PARTS} <= {process.pid for process in platform.descendants()}
    started = platform.descendants()
    assert platform.stop(signal.SIGINT) == 0
    assert [process for process in started if process.is_running()] == []
    assert not (platform.data / "run" / "platform.json").exists()

    platform.start()
    assert platform.token == token
    assert rest(platform).get(f"projects/{project}/")["name"] == "kept"


def test_killed_supervisor_leaves_nothing_that_blocks(platform: LivePlatform) -> None:
    platform.start()
    project = rest(platform).create_project("kept")
    platform.kill_supervisor()
    platform.start(seconds=60)
    assert rest(platform).get(f"projects/{project}/")["name"] == "kept"


def test_everything_killed_and_a_stale_pid_file_do_not_block(platform: LivePlatform) -> None:
    platform.start()
    everything = platform.descendants()
    platform.kill_supervisor()
    for process in everything:
        if process.is_running():
            process.kill()
    psutil.wait_procs(everything, timeout=10)
    # By now the number may belong to somebody else: here, to this test.
    stale = platform.data / "postgres" / "postmaster.pid"
    lines = (
        stale.read_text().splitlines()
        if stale.exists()
        else ["", str(stale.parent), "0", "5432", "", "", "", "ready"]
    )
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    platform.start(seconds=60)
    assert rest(platform).get("users/me/")["username"] == platform.username


@pytest.mark.parametrize("part", sorted(PARTS))
def test_dead_part_comes_back(fault_platform: LivePlatform, part: str) -> None:
    before = fault_platform.pid_of(part)
    os.kill(before, signal.SIGKILL)
    fault_platform.wait_until(lambda: fault_platform.has(part) and fault_platform.pid_of(part) != before, 30)
    fault_platform.wait_for("/readyz", 60)


def test_port_that_is_taken_is_named(platform: LivePlatform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", platform.port))
        taken.listen()
        platform.launch()
        assert platform.process is not None
        assert platform.process.wait(30) == 1
    assert f"Cannot listen on 127.0.0.1:{platform.port}" in platform.output()
    assert "--port" in platform.output()


def test_second_start_with_the_same_data_is_refused(platform: LivePlatform) -> None:
    platform.start()
    second = make_platform(platform.data)
    second.launch()
    assert second.process is not None
    assert second.process.wait(30) == 1
    assert "runs already" in second.output()
    assert httpx.get(f"{platform.url}/readyz", trust_env=False).status_code == 200


def test_long_data_path_works(folder: Path) -> None:
    platform = make_platform(folder / ("long-" * 30) / "data")
    try:
        assert rest(platform.start()).get("users/me/")["username"] == "admin"
    finally:
        platform.stop()


def test_external_services_are_used_instead(platform: LivePlatform) -> None:
    platform.environment = {"DATABASE_URL": services.start_postgres(), "REDIS_URL": services.start_redis()}
    platform.start()
    assert not platform.has("postgres")
    assert not platform.has("redis")
    assert not (platform.data / "postgres").exists()
    assert rest(platform).get("users/me/")["username"] == platform.username


def test_example_has_run_with_a_chart_and_files(folder: Path) -> None:
    platform = make_platform(folder, "--host", "127.0.0.1")
    try:
        platform.start()
        api = rest(platform)
        platform.wait_until(lambda: bool(api.get("executions/")["results"]), 60)
        execution = api.wait(api.get("executions/")["results"][0]["id"])
        assert execution["status"] == "complete", "\n".join(api.lines(execution["id"]))
        assert execution["cumulative_metadata"]["epoch"] == 40
        assert execution["cumulative_metadata"]["validation_accuracy"] > 0.8
        assert {row["name"] for row in api.get("data/")["results"]} >= {
            "model.json",
            "predictions.csv",
            "bearings.csv",
        }
        repository = platform.data / "example-repository"
        log = subprocess.run(
            ["git", "log", "--oneline"], cwd=repository, capture_output=True, text=True, check=True
        )
        assert len(log.stdout.splitlines()) == 1

        platform.stop()
        platform.start()
        assert len(rest(platform).get("executions/")["results"]) == 1
    finally:
        platform.stop()


def test_options_are_explained() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "valohai_app.launcher", "--help"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for option in ("--port", "--host", "--data", "--no-example"):
        assert option in run.stdout


def test_log_has_every_part_with_its_name(platform: LivePlatform) -> None:
    platform.start()
    os.kill(platform.pid_of("celery"), signal.SIGKILL)
    platform.wait_until(lambda: "celery ended with -9" in platform.output(), 20)
    assert "launcher  | celery ended with -9" in (platform.data / "logs" / "platform.log").read_text()
    assert json.loads((platform.data / "run" / "platform.json").read_text())["url"] == platform.url
