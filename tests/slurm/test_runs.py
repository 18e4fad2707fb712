"""Jobs through a real Slurm: what runs, what is refused, and what a stop does."""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.dispatching import DispatcherProcess
from tests.support.rest import Rest
from tests.support.slurm import Cluster

pytestmark = [pytest.mark.live, pytest.mark.slurm]

Run = Callable[..., str]


def test_a_job_runs_as_a_job_of_slurm(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    execution = run(dispatcher, "work")
    ended = rest.wait(execution)
    assert ended["status"] == "complete", (ended["error_text"], dispatcher.log(), slurm.logs())
    job = slurm.job_of(execution, "COMPLETED")
    assert f"hello from {job['id']}" in rest.lines(execution, "stdout")
    assert ended["cumulative_metadata"] == {"answer": 42}
    assert [output["name"] for output in ended["outputs"]] == ["model.txt"]
    facts = ended["runtime_facts"]
    assert (facts["slurm_job"], facts["slurm_partition"]) == (job["id"], "batch")
    assert facts["slurm_node"] in ended["executor_identity"]


def test_cores_and_devices_reach_the_job(
    make_dispatcher: Callable[..., DispatcherProcess], run: Run, rest: Rest
) -> None:
    dispatcher = make_dispatcher(cpus=2).start()
    execution = run(dispatcher, "devices")
    assert rest.wait(execution)["status"] == "complete"
    cores, devices = rest.lines(execution, "stdout")[1].removeprefix("cores ").split(" devices ")
    assert (cores, devices in {"0", "1"}) == ("2", True)


def test_several_run_at_once_and_the_rest_says_what_it_waits_for(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    running = [run(dispatcher, "wait") for _ in range(4)]
    for execution in running:
        rest.wait(execution, "started")
    waiting = run(dispatcher, "large")
    job = slurm.job_of(waiting, "PENDING")
    reason = wait_for_reason(rest, waiting, "(Resources)")
    assert reason == f"Slurm job {job['id']} waits: it waits for free cores, memory or devices (Resources)."
    for execution in running:
        rest.post(f"executions/{execution}/stop/", expect=200)
    rest.wait(waiting, "started", seconds=90)
    rest.post(f"executions/{waiting}/stop/", expect=200)
    for execution in [*running, waiting]:
        ended = rest.wait(execution, seconds=60)
        assert ended["status"] == "stopped"
        assert [output["name"] for output in ended["outputs"]] == ["kept.txt"]
    # Each ended its job of Slurm itself.
    assert {slurm.job_of(execution, "COMPLETED", "CANCELLED")["state"] for execution in running} == {
        "COMPLETED"
    }


def test_a_stop_while_it_waits_takes_it_out_of_slurm(
    dispatcher: DispatcherProcess, run: Run, rest: Rest, slurm: Cluster
) -> None:
    running = run(dispatcher, "large")
    rest.wait(running, "started")
    waiting = run(dispatcher, "large")
    slurm.job_of(waiting, "PENDING")
    rest.post(f"executions/{waiting}/stop/", expect=200)
    assert rest.wait(waiting)["status"] == "stopped"
    slurm.job_of(waiting, "CANCELLED")
    assert rest.execution(running)["status"] == "started"
    rest.post(f"executions/{running}/stop/", expect=200)
    rest.wait(running)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"partition": "nowhere"}, "Invalid partition name specified"),
        ({"gres": "tpu:1"}, "Invalid generic resource (gres) specification"),
        ({"constraint": "haswell"}, "Invalid feature specification"),
        ({"reservation": "mine"}, "Requested reservation is invalid"),
        ({"memory_mb": 99_000}, "Memory specification can not be satisfied"),
        ({"extra": ["--nodelist=elsewhere"]}, "Invalid node name specified"),
    ],
)
def test_what_slurm_refuses_ends_with_its_words(
    settings: dict[str, object], complaint: str,
    make_dispatcher: Callable[..., DispatcherProcess], run: Run, rest: Rest, slurm: Cluster,
) -> None:  # fmt: skip
    dispatcher = make_dispatcher(**settings).start()
    execution = run(dispatcher, "work")
    ended = rest.wait(execution)
    assert ended["status"] == "error"
    assert complaint in ended["error_text"]
    # Slurm writes down some of those that it refuses.
    assert {job["state"] for job in slurm.jobs() if execution in job["name"]} <= {"FAILED"}


def test_a_partition_that_is_down_is_waited_for_with_its_reason(
    make_dispatcher: Callable[..., DispatcherProcess], run: Run, rest: Rest, slurm: Cluster
) -> None:
    dispatcher = make_dispatcher(partition="closed").start()
    execution = run(dispatcher, "work")
    wait_for_reason(rest, execution, "the partition is down (PartitionDown)")
    slurm.run("scontrol", "update", "PartitionName=closed", "State=UP")
    try:
        assert rest.wait(execution)["status"] == "complete"
    finally:
        slurm.run("scontrol", "update", "PartitionName=closed", "State=DOWN")


def test_many_wait_and_are_taken_back(
    make_dispatcher: Callable[..., DispatcherProcess], run: Run, rest: Rest, slurm: Cluster
) -> None:
    """More than a hundred: each is in Slurm once, each says why it waits, and all leave it."""
    dispatcher = make_dispatcher(partition="closed").start()
    executions = [run(dispatcher, "work") for _ in range(120)]
    for execution in executions:
        wait_for_reason(rest, execution, "(PartitionDown)", seconds=60)
    names = Counter(
        job["name"] for job in slurm.jobs() if job["partition"] == "closed" and job["state"] == "PENDING"
    )
    assert (len(names), set(names.values())) == (120, {1})
    for execution in executions:
        rest.post(f"executions/{execution}/stop/", expect=200)
    deadline = time.monotonic() + 60
    while any(job["partition"] == "closed" and job["state"] == "PENDING" for job in slurm.jobs()):
        assert time.monotonic() < deadline, dispatcher.log()
        time.sleep(0.2)


def wait_for_reason(rest: Rest, execution: str, part: str, seconds: float = 30) -> str:
    deadline = time.monotonic() + seconds
    while True:
        reason = rest.execution(execution)["waiting_reason"] or ""
        if part in reason:
            return str(reason)
        assert time.monotonic() < deadline, f"the reason is {reason!r}"
        time.sleep(0.1)
