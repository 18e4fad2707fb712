"""Parts die while a job prints numbered lines; afterwards every line is in the log, once, in order."""

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
import redis

from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.fault]

LINES = 600

CODE = {
    "valohai.yaml": """\
- step:
    name: count
    image: python:3.11
    command: python count.py
- step:
    name: wait
    image: python:3.11
    command: python wait.py
""",
    "count.py": f"""\
import json, time
for number in range({LINES}):
    print("line", number, flush=True)
    if number % 100 == 0:
        print(json.dumps({{"number": number}}), flush=True)
    time.sleep(0.01)
""",
    "wait.py": """\
import os, time
open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "kept.txt"), "w").write("kept")
for number in range(50):
    print("line", number, flush=True)
print("ready", flush=True)
time.sleep(600)
""",
}


@pytest.fixture
def rest(fault_platform: LivePlatform) -> Rest:
    return Rest(fault_platform.url, fault_platform.token)


@pytest.fixture
def start(rest: Rest, request: pytest.FixtureRequest) -> Callable[[str], str]:
    def run(step: str) -> str:
        name = re.sub(r"[^A-Za-z0-9]", "-", request.node.name)[:40]
        project = rest.create_project(f"{name}-{time.time_ns()}"[-64:].strip("-"))
        return rest.run(project, rest.import_package(project, CODE), step)

    return run


def kill(part: str) -> Callable[[LivePlatform], None]:
    def fault(platform: LivePlatform) -> None:
        os.kill(platform.pid_of(part), signal.SIGKILL)

    return fault


def flush_redis(platform: LivePlatform) -> None:
    redis.Redis.from_url(platform.redis_url).flushall()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(kill("web"), id="web-killed"),
        pytest.param(kill("ingest"), id="ingest-killed"),
        pytest.param(kill("scheduler"), id="scheduler-killed"),
        pytest.param(kill("redis"), id="redis-killed"),
        pytest.param(kill("postgres"), id="postgres-killed"),
        pytest.param(flush_redis, id="redis-flushed"),
    ],
)
def test_no_line_is_lost(
    fault: Callable[[LivePlatform], None],
    fault_platform: LivePlatform,
    rest: Rest,
    start: Callable[[str], str],
) -> None:
    execution = start("count")
    rest.wait_for_line(execution, "line 50")
    fault(fault_platform)
    ended = rest.wait(execution, seconds=90)
    assert ended["status"] == "complete", ended["error_text"]
    printed = [line for line in rest.lines(execution, "stdout") if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(LINES)]
    assert rest.execution(execution)["cumulative_metadata"]["number"] == LINES - 100


def test_agent_killed_during_the_run(
    fault_platform: LivePlatform, rest: Rest, start: Callable[[str], str]
) -> None:
    execution = start("wait")
    rest.wait_for_line(execution, "ready")
    kill("agent")(fault_platform)
    ended = rest.wait(execution, seconds=45)
    assert ended["status"] == "crashed"
    assert ended["error_text"]
    printed = [line for line in rest.lines(execution, "stdout") if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(50)]
    # The next job finds a working agent.
    assert rest.wait(start("count"), seconds=60)["status"] == "complete"


def test_worker_that_dies_between_claim_and_start_costs_only_time(
    fault_platform: LivePlatform, rest: Rest, start: Callable[[str], str]
) -> None:
    agent = fault_platform.pid_of("agent")
    os.kill(agent, signal.SIGSTOP)
    try:
        execution = start("count")
        fault_platform.claim_and_vanish("local")
    finally:
        os.kill(agent, signal.SIGCONT)
    assert rest.wait(execution, seconds=90)["status"] == "complete"


def test_killed_supervisor_leaves_nothing_in_the_way(
    fault_platform: LivePlatform, start: Callable[[str], str]
) -> None:
    rest = Rest(fault_platform.url, fault_platform.token)
    execution = start("count")
    rest.wait(execution, seconds=60)
    fault_platform.kill_supervisor()
    fault_platform.start()
    again = Rest(fault_platform.url, fault_platform.token)
    assert again.execution(execution)["status"] == "complete"
    assert [line for line in again.lines(execution, "stdout") if line.startswith("line ")][
        -1
    ] == f"line {LINES - 1}"
