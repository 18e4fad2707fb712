"""`peon status`: whether the server hears of the worker of a directory."""

import os
import subprocess
import sys
import time

from peon.protocol import keys
from tests.agent.support.fake_platform import AgentProcess, wait_until


def status(agent):
    """(exit code, what it printed) of `peon status` with the agent's settings."""
    command = [sys.executable, "-m", "peon", "status", "--config", "/nonexistent"]
    ended = subprocess.run(command, env=agent.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ended.returncode, ended.stdout.decode()


def test_worker_that_waits_and_one_that_has_ended(own_agent):
    wait_until(lambda: status(own_agent)[0] == 0, 10, "the worker is seen")
    assert "works" in status(own_agent)[1]
    own_agent.process.terminate()
    own_agent.process.wait(20)
    code, said = status(own_agent)
    assert code == 1
    assert "is silent" in said


def test_busy_worker_is_seen_by_its_lease(own_platform, own_agent):
    job = own_platform.add_job("echo begun; sleep 60")
    wait_until(lambda: "begun" in job.lines("o"), 20, "the job runs")
    own_agent.kill()
    own_platform.redis.delete(keys.queue_workers("local"))  # as if its hellos had been lost
    assert status(own_agent)[0] == 0
    with open(os.path.join(own_agent.environment["PEON_DIR"], "identity")) as identity:
        holder = identity.read()
    (member,) = [
        m
        for m, who in own_platform.redis.hgetall(keys.queue_holders("local")).items()
        if who.decode() == holder
    ]
    own_platform.redis.zadd(keys.queue_leases("local"), {member: time.time() * 1000 - 1})
    assert status(own_agent)[0] == 1


def test_nothing_has_run_here(own_platform, tmp_path):
    code, said = status(AgentProcess(own_platform, tmp_path / "fresh", sys.executable))
    assert code == 1
    assert "no worker has run" in said


def test_redis_is_away(own_platform, own_agent):
    wait_until(lambda: status(own_agent)[0] == 0, 10, "the worker is seen")
    own_platform.redis_server.kill()
    code, said = status(own_agent)
    assert code == 1
    assert "Redis does not answer" in said
