"""Something dies or goes away while a job runs: nothing reported is lost, and the end is the right one."""

import os
import sys
import time

import pytest

from peon.protocol import keys, scripts
from tests.agent.support.fake_platform import AgentProcess, wait_until
from tests.agent.test_stopping import alive

pytestmark = pytest.mark.fault

COUNT = "for i in $(seq 300); do echo line $i; sleep 0.01; done"
COUNTED = [f"line {number}" for number in range(1, 301)]


def jobs_left(agent):
    return os.listdir(os.path.join(agent.environment["PEON_DIR"], "jobs"))


def test_redis_flushed(own_platform, own_agent):
    job = own_platform.add_job(COUNT)
    job.wait_for_line("line 50")
    for _ in range(3):
        own_platform.redis.flushall()
        time.sleep(0.4)
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == COUNTED


def test_redis_killed_and_started_empty(own_platform, own_agent):
    job = own_platform.add_job(COUNT)
    job.wait_for_line("line 50")
    own_platform.redis_server.kill()
    time.sleep(1)
    own_platform.redis_server.start()
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == COUNTED
    after = own_platform.add_job("echo next")
    assert after.wait()["status"] == "complete"


def test_redis_away_beyond_the_end_of_the_job(own_platform, own_agent):
    job = own_platform.add_job("echo ready; sleep 0.5; echo end; echo x > /valohai/outputs/x")
    job.wait_for_line("ready")
    own_platform.redis_server.kill()
    time.sleep(3)
    own_platform.redis_server.start()
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["ready", "end"]
    assert "x" in job.outputs()


def test_flushed_after_the_finish_was_sent(own_platform, own_agent):
    own_platform.is_ingesting = False
    job = own_platform.add_job("echo once")
    wait_until(lambda: b'"k":"finish"' in b"".join(fields[b"b"] for _, fields in own_platform.redis.xrange(keys.events(job.id))),
               20, "the finish is in the stream")  # fmt: skip
    own_platform.redis.flushall()
    own_platform.is_ingesting = True
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["once"]


def test_redis_that_came_back_with_an_old_state(own_platform, own_agent):
    job = own_platform.add_job(COUNT)
    job.wait_for_line("line 50")
    own_platform.redis.hset(keys.events_head(job.id), "next_seq", 1)
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == COUNTED


def test_ingest_away_fills_the_stream_only_so_far(own_platform, own_agent):
    own_platform.is_ingesting = False
    job = own_platform.add_job("for i in $(seq 3000); do echo $i; sleep 0.001; done")
    wait_until(lambda: job.status == "started", 10, "claimed")
    time.sleep(6)
    assert own_platform.redis.xlen(keys.events(job.id)) <= 512
    own_platform.is_ingesting = True
    assert job.wait(60)["status"] == "complete"
    assert job.lines("o") == [str(number) for number in range(1, 3001)]


def test_server_away_while_the_job_runs(own_platform, own_agent):
    job = own_platform.add_job("echo ready; sleep 1; echo x > /valohai/outputs/x")
    job.wait_for_line("ready")
    own_platform.is_reachable = False
    time.sleep(2.5)
    own_platform.is_reachable = True
    assert job.wait()["status"] == "complete"
    assert job.content("x") == b"x\n"


def test_agent_killed_during_the_run(own_platform, own_agent):
    marker = f"sleep 76543{os.getpid()}"
    job = own_platform.add_job(f"seq 1000; echo ready; setsid {marker} & {marker}")
    job.wait_for_line("ready")
    own_platform.is_ingesting = False
    own_agent.kill()
    wait_until(lambda: not alive(marker.replace(" ", "\0")), 5, "the job's processes end with the agent")
    own_platform.redis.flushall()
    own_platform.is_ingesting = True
    own_agent.start()
    finish = job.wait()
    assert finish["status"] == "crashed"
    assert "killed" in finish["reason"]
    assert job.lines("o") == [str(number) for number in range(1, 1001)] + ["ready"]
    assert own_platform.add_job("echo next").wait()["status"] == "complete"
    wait_until(lambda: not jobs_left(own_agent), 10, "nothing is left on disk")


def test_agent_killed_while_redis_is_away_keeps_what_was_said(own_platform, own_agent):
    job = own_platform.add_job("echo one; sleep 0.5; seq 5000; echo two; sleep 600")
    job.wait_for_line("one")
    own_platform.redis_server.kill()
    time.sleep(2)
    own_agent.kill()
    own_platform.redis_server.start()
    own_agent.start()
    assert job.wait()["status"] == "crashed"
    assert job.lines("o") == ["one"] + [str(number) for number in range(1, 5001)] + ["two"]


def test_agent_killed_during_upload(own_platform, own_agent):
    killed = []

    def kill_once():
        if not killed:
            killed.append(True)
            own_agent.kill()

    own_platform.on_put = kill_once
    job = own_platform.add_job("echo said; echo x > /valohai/outputs/x")
    wait_until(lambda: killed, 20, "the upload begins")
    own_agent.start()
    assert job.wait()["status"] == "crashed"
    assert job.lines("o") == ["said"]
    assert job.outputs() == {}


def test_agent_killed_after_the_finish_was_spooled(own_platform, own_agent):
    own_platform.is_ingesting = False
    job = own_platform.add_job("echo once")
    wait_until(lambda: b'"k":"finish"' in b"".join(fields[b"b"] for _, fields in own_platform.redis.xrange(keys.events(job.id))),
               20, "the finish is in the stream")  # fmt: skip
    own_agent.kill()
    own_platform.redis.flushall()
    own_platform.is_ingesting = True
    own_agent.start()
    assert job.wait()["status"] == "complete"
    assert job.lines("o") == ["once"]
    assert len(job.facts("finish")) == 1


def test_nothing_false_is_said_of_a_job_that_the_server_has_ended(own_platform, own_agent):
    job = own_platform.add_job("echo ready; sleep 600")
    job.wait_for_line("ready")
    own_agent.kill()
    job.status = "crashed"
    before = list(job.segments)
    own_agent.start()
    assert own_platform.add_job("true").wait()["status"] == "complete"
    wait_until(lambda: not jobs_left(own_agent), 10, "the leftover is gone")
    assert job.segments == before


def test_fenced_job_is_killed_and_says_no_more(own_platform, own_agent):
    job = own_platform.add_job(
        "trap '' INT TERM; echo ready; echo x > /valohai/outputs/x; sleep 1; while true; do echo zombie; sleep 0.05; done"
    )
    job.wait_for_line("ready")
    own_platform.redis.register_script(scripts.FENCE)(
        keys=[keys.events_head(job.id), keys.queue_leases("local"), keys.queue_holders("local")],
        args=[2, job.member],
    )
    job.epoch = 2
    count = len(job.segments)
    assert own_platform.add_job("echo next").wait()["status"] == "complete"
    assert len(job.segments) == count
    assert not any(path.endswith("/uploads") and job.id in path for _, path, _ in own_platform.requests)
    assert own_platform.redis.zscore(keys.queue_leases("local"), job.member) is None


def test_second_agent_in_the_same_directory_is_refused(own_platform, own_agent, tmp_path):
    own_platform.add_job("true").wait()
    second = AgentProcess(
        own_platform, tmp_path / "second", sys.executable, PEON_DIR=own_agent.environment["PEON_DIR"]
    )
    second.start()
    assert second.process.wait(10) == 2
    assert "Another agent uses" in second.log()


def test_launcher_killed_ends_the_job_not_the_agent(own_platform, own_agent):
    job = own_platform.add_job("echo ready; sleep 600")
    job.wait_for_line("ready")
    for pid in alive("peon.runtimes.launcher"):
        with open(f"/proc/{pid}/stat") as stat:
            if int(stat.read().rpartition(")")[2].split()[1]) == own_agent.process.pid:
                os.kill(pid, 9)
    assert job.wait()["status"] == "crashed"
    assert own_platform.add_job("echo next").wait()["status"] == "complete"


def test_many_jobs_one_after_another(own_platform, own_agent):
    jobs = [own_platform.add_job(f"echo {number}") for number in range(30)]
    assert [job.wait(60)["status"] for job in jobs] == ["complete"] * 30
    assert [job.lines("o") for job in jobs] == [[str(number)] for number in range(30)]
