"""An execution with a little of everything, and its address."""

from datetime import timedelta

import pytest

from common import clock
from executions.models import Execution
from executions.types import Status
from projects.models import Commit, Project
from tests.support import factories
from tests.web.addresses import page


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.make_commit(project, description="Deeper model\n\nLong story.")


@pytest.fixture
def run(commit: Commit) -> Execution:
    now = clock.now()
    return factories.make_execution(
        commit=commit,
        status=Status.COMPLETE,
        title="Baseline",
        tags=["nightly"],
        parameters={"epochs": 30, "verbose": True},
        environment_variables={"MODE": "fast", "API_TOKEN": "hunter2"},
        queued_at=now - timedelta(minutes=21),
        started_at=now - timedelta(minutes=20),
        ended_at=now - timedelta(minutes=3),
        exit_code=0,
        worker_identity="gpu-node-3",
        runtime_facts={"runtime": "docker", "image_digest": "sha256:abc"},
        log_line_count=1_000_000,
        metadata_count=7,
        output_count=2,
    )


def address(execution: Execution, name: str = "execution") -> str:
    return page(name, execution.project, execution_id=execution.pk)
