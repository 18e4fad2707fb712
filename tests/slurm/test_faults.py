"""What administrators, preemption, limits and dying parts do to jobs in a real Slurm: nothing is lost, nothing runs twice."""

import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from tests.slurm.test_runs import wait_for_reason
from tests.support.dispatching import DispatcherProcess
from tests.support.rest import Rest
from tests.support.slurm import Cluster

pytestmark = [pytest.mark.live, pytest.mark.slurm, pytest.mark.fault]

Run = Callable[..., str]
Make = Callable[..., DispatcherProcess]


def started(rest: Rest, execution: str) -> None:
    rest.wait_for_line(execution, "ready", seconds=60)


def agent_of(execution: str) -> psutil.Process:
    """The process of the agent that runs it; the oldest, its launcher is younger."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "create_time"])
        if any(execution in part for part in process.info["cmdline"] or [])
    ]
    return min(found, key=lambda process: process.info["create_time"])


def test_a_job_that_an_administrator_cancels_while_it_runs_keeps_its_outputs(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(dispatcher, "wait")
    started(rest, execution)
    job = slurm.job_of(execution, "RUNNING")
    slurm.run("scancel", job["id"])
    ended = rest.wait(execution)
    assert ended["status"] == "crashed"
    assert f"Its job in Slurm was cancelled (job {job['id']}" in ended["error_text"]
    assert [output["name"] for output in ended["outputs"]] == ["kept.txt"]
    assert any("Its job in Slurm was cancelled" in line for line in rest.lines(execution, "status"))


def test_a_job_that_an_administrator_cancels_while_it_waits_ends_as_error(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    running = run(dispatcher, "large")
    started(rest, running)
    waiting = run(dispatcher, "large")
    job = slurm.job_of(waiting, "PENDING")
    slurm.run("scancel", job["id"])
    ended = rest.wait(waiting)
    assert ended["status"] == "error"
    assert ended["error_text"].startswith(
        f"Slurm job {job['id']} ended: it was cancelled in Slurm (CANCELLED"
    )


def test_a_killed_job_is_told_with_slurms_words(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    """As the kernel's out-of-memory killer would: the agent can say nothing any more."""
    execution = run(dispatcher, "wait")
    started(rest, execution)
    job = slurm.job_of(execution, "RUNNING")
    agent_of(execution).kill()
    ended = rest.wait(execution)
    assert ended["status"] == "crashed"
    assert f"Slurm job {job['id']} ended on" in ended["error_text"]
    assert "ready" in rest.lines(execution, "stdout")


def test_too_much_memory_is_an_error_that_says_so(
    dispatcher: DispatcherProcess, run: Run, rest: Rest
) -> None:
    execution = run(dispatcher, "greedy")
    ended = rest.wait(execution)
    assert ended["status"] == "error"
    assert "memory limit" in ended["error_text"]


def test_preemption_ends_it_with_its_outputs_and_the_reason(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(dispatcher, "large")
    started(rest, execution)
    job = slurm.job_of(execution, "RUNNING")
    slurm.run(
        "sbatch",
        "--partition=urgent",
        "--cpus-per-task=4",
        "--mem=100M",
        "--output=/dev/null",
        "--wrap=sleep 1",
    )
    ended = rest.wait(execution, seconds=120)
    assert ended["status"] == "crashed"
    assert f"for a job of higher priority (job {job['id']}, preempted)" in ended["error_text"]
    assert [output["name"] for output in ended["outputs"]] == ["kept.txt"]
    # Slurm put it back into its line; nobody wants it there any more.
    slurm.job_of(execution, "CANCELLED", "COMPLETED", seconds=60)


def test_a_job_that_is_requeued_while_it_waits_runs_once(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    blocking = run(dispatcher, "large")
    started(rest, blocking)
    execution = run(dispatcher, "large")
    job = slurm.job_of(execution, "PENDING")
    slurm.run("scontrol", "hold", job["id"])
    wait_for_reason(rest, execution, "holds it back (JobHeldAdmin)")
    slurm.run("scontrol", "release", job["id"])
    rest.post(f"executions/{blocking}/stop/", expect=200)
    started(rest, execution)
    rest.post(f"executions/{execution}/stop/", expect=200)
    assert rest.wait(execution)["status"] == "stopped"
    assert [found["id"] for found in slurm.jobs() if execution in found["name"]] == [job["id"]]


def test_a_requeued_running_job_ends_and_does_not_run_again(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(dispatcher, "wait")
    started(rest, execution)
    slurm.run("scontrol", "requeue", slurm.job_of(execution, "RUNNING")["id"])
    ended = rest.wait(execution, seconds=90)
    assert ended["status"] == "crashed"
    assert "back into its line" in ended["error_text"]
    slurm.job_of(execution, "CANCELLED", seconds=60)
    assert rest.lines(execution, "stdout").count("ready") == 1


def test_slurms_own_time_limit_is_an_error_with_outputs(
    make_dispatcher: Make, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(make_dispatcher(time_limit_minutes=60).start(), "wait")
    started(rest, execution)
    # Slurm's own clock is coarse: its warning comes as soon as less than two or three minutes are left.
    slurm.run("scontrol", "update", "JobId=" + slurm.job_of(execution)["id"], "TimeLimit=2")
    ended = rest.wait(execution, seconds=120)
    assert ended["status"] == "error"
    assert "Its time limit in Slurm is reached" in ended["error_text"]
    assert [output["name"] for output in ended["outputs"]] == ["kept.txt"]


def test_the_executions_own_time_limit_comes_first(
    make_dispatcher: Make, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(make_dispatcher(time_limit_minutes=600).start(), "wait", time_limit=8)
    started(rest, execution)
    limit = slurm.run(
        "squeue", "--noheader", "--format=%l", "--jobs=" + slurm.job_of(execution)["id"]
    ).strip()
    assert limit == "11:00"  # eight seconds and the margin, in whole minutes
    ended = rest.wait(execution, seconds=60)
    assert (ended["status"], ended["error_text"]) == ("error", "time limit of 8.00 s reached")
    assert [output["name"] for output in ended["outputs"]] == ["kept.txt"]


def test_an_agent_that_cannot_start_is_told_with_its_last_words(
    make_dispatcher: Make, run: Run, rest: Rest
) -> None:
    dispatcher = make_dispatcher()
    dispatcher.settings["NODE_PYTHON"] = "/no/such/python"
    execution = run(dispatcher.start(), "work")
    reason = wait_for_reason(rest, execution, "it is submitted again", seconds=60)
    assert "/no/such/python" in reason
    rest.post(f"executions/{execution}/stop/", expect=200)
    assert rest.wait(execution)["status"] == "stopped"


def test_a_dispatcher_killed_after_it_submitted_submits_nothing_again(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    blocking = run(dispatcher, "large")
    started(rest, blocking)
    waiting = [run(dispatcher, "work") for _ in range(3)] + [run(dispatcher, "large")]
    for execution in waiting:
        slurm.job_of(execution)
    dispatcher.kill()
    rest.post(f"executions/{blocking}/stop/", expect=200)
    dispatcher.start()
    started(rest, waiting[-1])
    rest.post(f"executions/{waiting[-1]}/stop/", expect=200)
    assert [rest.wait(execution)["status"] for execution in waiting] == ["complete"] * 3 + ["stopped"]
    names = Counter(job["name"] for job in slurm.jobs())
    assert {names[name] for name in names for execution in waiting if execution in name} == {1}


def test_two_dispatchers_of_one_queue_submit_each_job_once(
    make_dispatcher: Make, run: Run, rest: Rest, slurm: Cluster
) -> None:
    first = make_dispatcher().start()
    second = DispatcherProcess(first.platform, first.cluster, first.folder / "second", first.queue).start()
    try:
        executions = [run(first, "work") for _ in range(6)]
        assert {rest.wait(execution)["status"] for execution in executions} == {"complete"}
        names = Counter(job["name"] for job in slurm.jobs())
        assert {names[name] for name in names for execution in executions if execution in name} == {1}
    finally:
        second.stop()


def test_a_controller_that_restarts_loses_nothing(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    running = run(dispatcher, "large")
    started(rest, running)
    waiting = run(dispatcher, "large")
    slurm.job_of(waiting, "PENDING")
    slurm.stop_controller()
    try:
        late = run(dispatcher, "work")
        wait_for_reason(rest, late, "Slurm does not take requests now", seconds=60)
        assert rest.execution(running)["status"] == "started"
    finally:
        slurm.start_controller()
    assert rest.wait(late, seconds=120)["status"] == "complete"
    rest.post(f"executions/{running}/stop/", expect=200)
    assert rest.wait(running)["status"] == "stopped"
    started(rest, waiting)
    rest.post(f"executions/{waiting}/stop/", expect=200)
    rest.wait(waiting)
    assert Counter(job["name"] for job in slurm.jobs() if waiting in job["name"]).total() == 1


def test_without_a_dispatcher_the_reason_says_so(make_dispatcher: Make, run: Run, rest: Rest) -> None:
    dispatcher = make_dispatcher()
    execution = run(dispatcher, "work")
    wait_for_reason(rest, execution, f"No dispatcher hands over the queue '{dispatcher.queue}'", seconds=40)
    dispatcher.start()
    assert rest.wait(execution)["status"] == "complete"


def test_a_flushed_redis_costs_no_place_in_slurms_line(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    import redis

    running = run(dispatcher, "large")
    started(rest, running)
    waiting = run(dispatcher, "large")
    job = slurm.job_of(waiting, "PENDING")
    redis.Redis.from_url(dispatcher.platform.redis_url).flushall()
    time.sleep(6)
    assert [found["id"] for found in slurm.jobs() if waiting in found["name"]] == [job["id"]]
    rest.post(f"executions/{running}/stop/", expect=200)
    started(rest, waiting)
    rest.post(f"executions/{waiting}/stop/", expect=200)
    assert {rest.wait(execution)["status"] for execution in (running, waiting)} == {"stopped"}
