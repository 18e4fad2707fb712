"""Which variables an agent is told to mask, and what the server masks itself."""

from typing import Any

import pytest
from django.test import override_settings

from executions.models import Execution
from executions.queue import job_token
from executions.types import Status
from projects.models import Project, ProjectVariable
from tests.executions.test_agent_api import WORKER, call
from tests.support import factories

pytestmark = pytest.mark.django_db

MASKING = {**WORKER, "facts": {"masks_secrets": True}}


@pytest.fixture
def variables(project: Project) -> None:
    for name, value, secret in (("TOKEN", "value-of-token", True), ("MODE", "value-of-mode", False)):
        ProjectVariable.objects.create(project=project, name=name, value=value, secret=secret)


@pytest.fixture
def queued(project: Project) -> Execution:
    return factories.make_execution(
        project, status=Status.QUEUED, environment_variables={"TOKEN": "typed-for-this-run", "OWN": "own"}
    )


@pytest.fixture
def running(queued: Execution) -> Execution:
    call(queued, "claim", {"worker": MASKING})
    queued.refresh_from_db()
    return queued


def details_of(execution: Execution, worker: dict[str, Any] = MASKING) -> dict[str, Any]:
    answer = call(execution, "claim", {"worker": worker})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def status_detail(execution: Execution, detail: Any) -> str:
    answer = call(execution, "status-detail", {"status_detail": detail})
    assert answer.status_code == 200
    execution.refresh_from_db()
    assert answer.json()["status_detail"] == execution.status_detail
    return execution.status_detail


@pytest.mark.usefixtures("variables")
class TestNames:
    def test_of_secret_variables_are_told_also_where_a_run_sets_its_own_value(
        self, queued: Execution
    ) -> None:
        details = details_of(queued)
        assert details["secret_names"] == ["TOKEN"]
        assert details["environment_variables"]["TOKEN"] == "typed-for-this-run"

    def test_also_when_the_run_inherits_nothing(self, project: Project) -> None:
        own = {"TOKEN": "typed-for-this-run"}
        execution = factories.make_execution(
            project,
            status=Status.QUEUED,
            inherit_environment_variables=False,
            environment_variables=own,
        )
        assert details_of(execution)["secret_names"] == ["TOKEN"]

    @override_settings(MASK_SECRETS_IN_LOGS=False)
    def test_of_none_when_the_installation_does_not_want_it(self, queued: Execution) -> None:
        assert details_of(queued)["secret_names"] == []


@pytest.mark.usefixtures("variables")
class TestStatusDetail:
    def test_is_masked_here_because_it_does_not_go_through_the_agent(self, running: Execution) -> None:
        token = job_token(running.pk, running.epoch)
        said = f"value-of-token, typed-for-this-run, Job {token}, value-of-mode"
        assert status_detail(running, said) == "***, ***, Job ***, value-of-mode"

    def test_that_is_an_object_too(self, running: Execution) -> None:
        assert status_detail(running, {"at": "value-of-token"}) == '{"at": "***"}'

    def test_has_no_passwords_of_addresses_of_inputs(self, running: Execution) -> None:
        address = "https://reader:open%2Bsesame@data.example.com/a.csv"
        entry = {"name": "rows", "urls": [address, "http://[", "datum://x"]}
        Execution.objects.filter(pk=running.pk).update(inputs=[entry])
        assert status_detail(running, f"at {address}") == "at https://reader:***@data.example.com/a.csv"
        assert status_detail(running, "with open+sesame") == "with ***"

    @override_settings(MASK_SECRETS_IN_LOGS=False)
    def test_keeps_all_but_the_token_when_the_installation_wants_that(self, running: Execution) -> None:
        token = job_token(running.pk, running.epoch)
        assert status_detail(running, f"value-of-token {token}") == "value-of-token ***"


@pytest.mark.usefixtures("variables")
class TestOlderAgent:
    def test_that_does_not_mask_is_told_of_in_the_run(self, queued: Execution) -> None:
        details_of(queued, {**WORKER, "agent_version": "0.0.9"})
        queued.refresh_from_db()
        (notice,) = queued.runtime_facts["notices"]
        assert "0.0.9 does not mask secrets" in notice
        assert "Update the agent on host." in notice

    def test_that_masks_is_not(self, queued: Execution) -> None:
        details_of(queued)
        queued.refresh_from_db()
        assert queued.runtime_facts == {}

    def test_is_nobodys_concern_where_nothing_is_secret(self, queued: Execution) -> None:
        ProjectVariable.objects.update(secret=False)
        details_of(queued, WORKER)
        queued.refresh_from_db()
        assert queued.runtime_facts == {}


@pytest.mark.usefixtures("variables")
def test_run_whose_secret_cannot_be_read_ends_and_says_why(queued: Execution) -> None:
    with override_settings(SECRETS_KEYS=["another key"]):
        assert call(queued, "claim", {"worker": MASKING}).status_code == 409
    queued.refresh_from_db()
    assert queued.status == Status.ERROR
    assert "SECRETS_KEYS" in queued.error_text
    assert "value-of" not in queued.error_text
