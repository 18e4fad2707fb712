"""What is wished of a worker between its jobs: to take none, to begin anew, to end; and to end at once."""

import json
import sys
import time

import pytest

from peon.protocol import keys, scripts
from tests.agent.support.fake_platform import AgentProcess, wait_until

MACHINE = "5b0c7e2a-0000-0000-0000-000000000001"


@pytest.fixture
def machine(own_platform, tmp_path):
    agent = AgentProcess(own_platform, tmp_path / "machine", sys.executable, PEON_MACHINE_ID=MACHINE).start()
    wait_until(lambda: said(own_platform), 20, "it says hello")
    yield agent
    agent.stop()


def said(platform):
    """What the only worker says, or {}."""
    workers = [json.loads(text) for text in platform.redis.hvals(keys.queue_workers("local"))]
    return workers[0] if workers else {}


def wish(platform, word, field=None):
    platform.redis.hset(keys.queue_wishes("local"), field or keys.machine_field(MACHINE), word)


def test_a_worker_says_its_machine_its_state_and_its_job(own_platform, machine):
    hello = said(own_platform)
    assert hello["facts"]["machine_id"] == MACHINE
    assert hello["facts"]["obeys_wishes"] is True
    assert hello["state"] == "idle"
    assert hello["idle_seconds"] >= 0
    assert hello["usage"]["memory_total_kb"] > hello["usage"]["memory_used_kb"] > 0
    job = own_platform.add_job("echo begun; sleep 60")
    job.wait_for_line("begun")
    wait_until(lambda: said(own_platform)["state"] == "busy", 10, "it says that it has a job")
    assert said(own_platform)["job"] == job.member
    first = said(own_platform)["seen_at"]
    wait_until(lambda: said(own_platform)["seen_at"] > first, 15, "it says so again during the job")
    job.wish("kill")
    job.wait()


def test_hello_has_the_time_of_redis(own_platform, machine):
    seconds, _ = own_platform.redis.time()
    assert abs(said(own_platform)["seen_at"] - seconds) < 10


def test_cordoned_it_takes_no_job_until_it_may_again(own_platform, machine):
    wish(own_platform, keys.CORDON)
    wait_until(lambda: said(own_platform).get("state") == "cordoned", 20, "it is cordoned")
    job = own_platform.add_job("echo ran")
    time.sleep(2.5)
    assert job.status == "queued"
    assert own_platform.redis.zcard(keys.queue("local")) == 1
    own_platform.redis.hdel(keys.queue_wishes("local"), keys.machine_field(MACHINE))
    assert job.wait()["status"] == "complete"


def test_the_bell_rings_again_for_whoever_takes_the_job(own_platform, machine):
    wish(own_platform, keys.CORDON)
    time.sleep(0.1)
    job = own_platform.add_job("echo ran")
    time.sleep(1)
    assert own_platform.redis.zrange(keys.queue_bell("local"), 0, -1) == [job.member.encode()]
    assert job.status == "queued"


def test_drained_it_ends_its_job_and_then_itself(own_platform, machine):
    job = own_platform.add_job("echo begun; sleep 3; echo done > /valohai/outputs/result.txt; echo ended")
    job.wait_for_line("begun")
    waiting = own_platform.add_job("echo never")
    wish(own_platform, keys.DRAIN)
    assert job.wait()["status"] == "complete"
    assert job.content("result.txt") == b"done\n"
    assert machine.process.wait(20) == 0
    assert waiting.status == "queued"
    assert not own_platform.redis.hlen(keys.queue_workers("local"))
    assert not own_platform.redis.hlen(keys.queue_holders("local"))


def test_a_drained_worker_stays_until_the_end_of_its_job_is_stored(own_platform, machine):
    job = own_platform.add_job("echo begun; sleep 1")
    job.wait_for_line("begun")
    own_platform.is_ingesting = False
    wish(own_platform, keys.DRAIN)
    time.sleep(9)
    assert machine.process.poll() is None
    own_platform.is_ingesting = True
    assert job.wait()["status"] == "complete"
    assert machine.process.wait(20) == 0


def test_stop_ends_the_running_job_and_keeps_its_outputs(own_platform, machine):
    job = own_platform.add_job("echo half > /valohai/outputs/half.txt; echo begun; sleep 600")
    job.wait_for_line("begun")
    wish(own_platform, keys.STOP)
    assert job.wait(40)["status"] == "stopped"
    assert job.content("half.txt") == b"half\n"
    assert machine.process.wait(20) == 0


def test_restart_begins_anew_once_under_the_same_name(own_platform, machine):
    name = said(own_platform)["identity"]
    wish(own_platform, keys.RESTART, name)
    wait_until(lambda: "starts again" in machine.log(), 20, "it starts again")
    assert machine.process.poll() is None
    job = own_platform.add_job("echo ran")
    assert job.wait()["status"] == "complete"
    assert said(own_platform)["identity"] == name
    assert machine.log().count("starts again") == 1


@pytest.mark.parametrize(
    ("own", "of_machine", "counts"),
    [
        ("", "", ""), ("cordon", "", "cordon"), ("", "drain", "drain"), ("cordon", "drain", "drain"),
        ("stop", "drain", "stop"), ("restart", "cordon", "restart"),
    ],
)  # fmt: skip
def test_the_stronger_wish_counts(own_platform, own, of_machine, counts):
    if own:
        wish(own_platform, own, "w")
    if of_machine:
        wish(own_platform, of_machine)
    say = own_platform.redis.register_script(scripts.SAY)
    claim = own_platform.redis.register_script(scripts.CLAIM)
    said_of_itself = json.dumps({"queues": ["local"]})
    assert (
        say(
            keys=[keys.queue_workers("local"), keys.queue_wishes("local")],
            args=["w", said_of_itself, MACHINE],
        ).decode()
        == counts
    )
    assert set(said(own_platform)) == {"queues", "seen_at"}
    names = [
        keys.queue_leases("local"),
        keys.queue_holders("local"),
        keys.queue_wishes("local"),
        keys.queue("local"),
        keys.queue_tokens("local"),
    ]
    own_platform.add_job("echo x")
    found = claim(keys=names, args=["w", 15000, MACHINE])
    assert (found[0] == b"") == bool(counts)
    if counts:
        assert found[1].decode() == counts
