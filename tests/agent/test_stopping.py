"""Ending a running job: asked by its user, by a limit, or by the worker's own end."""

import os
import signal
import time

from tests.agent.support.fake_platform import wait_until

WORK = "echo partial > /valohai/outputs/partial.txt; echo ready; "


def alive(marker):
    """Processes of this host whose command line has `marker`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if marker.encode() in file.read():
                        found.append(int(name))
            except OSError:
                pass
    return found


def test_stop_interrupts_and_keeps_outputs(platform, agent):
    program = "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: print('interrupted')"
    job = platform.add_job(WORK + f'python -c "{program}"')
    job.wait_for_line("ready")
    time.sleep(0.3)  # the interpreter needs a moment before it can be interrupted
    job.wish("stop")
    finish = job.wait()
    assert finish["status"] == "stopped"
    assert "interrupted" in job.lines("o")
    assert job.content("partial.txt") == b"partial\n"


def test_stop_becomes_force_after_the_grace_time(platform, agent):
    job = platform.add_job(
        WORK + "trap '' INT TERM; while true; do sleep 0.1; done", limits={"stop_grace_seconds": 0.5}
    )
    job.wait_for_line("ready")
    job.wish("stop")
    assert job.wait()["status"] == "stopped"
    said = "\n".join(job.lines("s"))
    assert "terminating it" in said
    assert "killing it" in said
    assert "partial.txt" in job.outputs()


def test_kill_ends_the_whole_tree_at_once(platform, agent):
    marker = f"sleep 98765{os.getpid()}"
    job = platform.add_job(
        WORK + f"trap '' INT TERM; setsid nohup {marker} & ({marker} &) ; {marker} & echo spawned; wait",
        limits={"stop_grace_seconds": 600},
    )
    job.wait_for_line("spawned")
    wait_until(lambda: len(alive(marker.replace(" ", "\0"))) == 3, 5, "three sleepers")
    began = time.monotonic()
    job.wish("kill")
    assert job.wait()["status"] == "stopped"
    assert time.monotonic() - began < 5
    assert alive(marker.replace(" ", "\0")) == []
    assert job.content("partial.txt") == b"partial\n"


def test_background_processes_end_with_the_command(platform, agent):
    marker = f"sleep 87654{os.getpid()}"
    job = platform.add_job(f"setsid {marker} & sleep 0.2; echo done")
    assert job.wait(10)["status"] == "complete"
    assert alive(marker.replace(" ", "\0")) == []


def test_time_limit(platform, agent):
    job = platform.add_job(WORK + "sleep 600", limits={"time_limit_seconds": 1})
    finish = job.wait()
    assert finish["status"] == "error"
    assert finish["reason"] == "time limit of 1.00 s reached"
    assert any("stopping the job: time limit" in line for line in job.lines("s"))
    assert "partial.txt" in job.outputs()


def test_no_output_timeout(platform, agent):
    job = platform.add_job(
        "for i in 1 2 3 4; do echo $i; sleep 0.5; done; sleep 600", limits={"no_output_timeout_seconds": 1}
    )
    finish = job.wait()
    assert finish["status"] == "error"
    assert finish["reason"] == "no output for 1.00 s"
    assert job.lines("o") == ["1", "2", "3", "4"]


def test_stop_before_the_command_begins(platform, agent):
    slow = platform.serve("/slow", lambda handler: time.sleep(3))
    inputs = [{"name": "x", "keep_directories": "none", "optional": False, "download": "always",
               "files": [{"filename": "f", "url": slow, "uri": slow}]}]  # fmt: skip
    job = platform.add_job("echo never", inputs=inputs)
    wait_until(lambda: job.status == "started", 10, "claimed")
    job.wish("stop")
    assert job.wait(20)["status"] == "stopped"
    assert job.lines("o") == []


def test_first_sigterm_lets_the_job_end(own_platform, own_agent):
    job = own_platform.add_job("echo ready; sleep 1; echo end")
    job.wait_for_line("ready")
    own_agent.process.send_signal(signal.SIGTERM)
    assert job.wait()["status"] == "complete"
    assert own_agent.process.wait(10) == 0
    waiting = own_platform.add_job("echo never")
    time.sleep(0.3)
    assert waiting.status == "queued"


def test_sigint_stops_the_job_and_keeps_outputs(own_platform, own_agent):
    job = own_platform.add_job(WORK + "sleep 600")
    job.wait_for_line("ready")
    own_agent.process.send_signal(signal.SIGINT)
    finish = job.wait()
    assert finish["status"] == "stopped"
    assert "worker was told to stop" in finish["reason"]
    assert "partial.txt" in job.outputs()
    assert own_agent.process.wait(10) == 0


def test_idle_agent_ends_at_once(own_platform, own_agent):
    own_platform.add_job("true").wait()
    time.sleep(0.3)
    began = time.monotonic()
    own_agent.process.send_signal(signal.SIGTERM)
    assert own_agent.process.wait(10) == 0
    assert time.monotonic() - began < 2
