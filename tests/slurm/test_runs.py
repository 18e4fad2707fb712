"""Jobs through a real Slurm: what runs, what is refused, and what a stop does."""

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
