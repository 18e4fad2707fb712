"""Running an execution again: what is in the way, what differs, and what one may want to know."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from datastores.models import Datum
from environments.workers import WorkerDescription
from executions.agent_api import attempts
from executions.models import Execution
from executions.reproduction import Weight, differences
from executions.services import create_execution
from executions.types import ExecutionSpec, Status
from organizations.access import Forbidden
from projects.models import Project, ProjectVariable
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def original(project: Project, alice: User) -> Execution:
    factories._local_environment()
    commit = factories.make_commit(project)
    datum = factories.make_datum(project, name="data.csv")
    spec = ExecutionSpec(
        commit=commit.identifier,
        step="train",
        inputs={"dataset": f"datum://{datum.pk}"},
        parameters={"epochs": 7},
    )
    return create_execution(actor=alice, project=project, spec=spec)


def found(user: User, execution: Execution) -> list[tuple[str, Weight]]:
    execution = Execution.objects.get(pk=execution.pk)
    return [(difference.field, difference.weight) for difference in differences(user, execution)]


def test_nothing_differs_right_after(alice: User, original: Execution) -> None:
    assert found(alice, original) == []


def test_comparing_creates_nothing(alice: User, original: Execution) -> None:
    differences(alice, original)
    assert Execution.objects.count() == 1


def test_an_input_that_was_purged_is_in_the_way(alice: User, original: Execution) -> None:
    Datum.objects.update(purged_at=clock.now())
    assert found(alice, original) == [("inputs", Weight.BLOCKS)]
    [difference] = differences(alice, original)
    assert "data.csv" in difference.message


def test_an_environment_that_is_off_does_not_hide_the_rest(alice: User, original: Execution) -> None:
    original.environment.enabled = False
    original.environment.save()
    factories.make_environment("other")
    Datum.objects.update(purged_at=clock.now())
    blocked = found(alice, original)
    assert ("environment", Weight.BLOCKS) in blocked
    assert {weight for _, weight in blocked} == {Weight.BLOCKS}


def test_a_commit_that_is_gone(alice: User, original: Execution) -> None:
    Execution.objects.update(commit=None)
    [(_, weight)] = found(alice, original)
    assert weight is Weight.BLOCKS


def test_a_price_that_changed(alice: User, original: Execution) -> None:
    original.environment.per_hour_price_usd = 9
    original.environment.save()
    assert found(alice, original) == [("per_hour_price_usd", Weight.DIFFERS)]


def test_what_became_of_the_step(alice: User, original: Execution) -> None:
    factories.make_commit(original.project, factories.YAML.replace("python:3.11", "python:3.13"))
    assert found(alice, original) == [("commit", Weight.NOTE), ("image", Weight.NOTE)]
    factories.make_commit(original.project, "- step: {name: other, image: x, command: y}\n")
    assert found(alice, original) == [("commit", Weight.NOTE), ("step", Weight.NOTE)]


def test_an_image_by_tag_may_be_another_one(alice: User, original: Execution) -> None:
    Execution.objects.update(runtime_facts={"image_digest": "python@sha256:abc"})
    [difference] = differences(alice, Execution.objects.get())
    assert (difference.field, difference.weight) == ("image", Weight.NOTE)
    assert "python@sha256:abc" in difference.message


def test_who_may_not_run_is_refused(original: Execution, charlie: User) -> None:
    with pytest.raises(Forbidden):
        differences(charlie, original)


def test_the_api_gives_the_body_and_the_comparison(alice_api: APIClient, original: Execution) -> None:
    at = f"/api/v0/executions/{original.pk}/reproduction/"
    body = alice_api.get(at).json()
    assert body["possible"] is True
    assert body["differences"] == []
    assert alice_api.post("/api/v0/executions/", body["spec"], format="json").status_code == 201
    Datum.objects.update(purged_at=clock.now())
    body = alice_api.get(at).json()
    assert body["possible"] is False
    assert body["differences"][0]["weight"] == "blocks"


def test_the_create_form_says_it(alice_browser: Any, project: Project, original: Execution) -> None:
    at = f"/p/alice/{project.name}/executions/create/"
    assert "nothing is different today" in alice_browser.get(f"{at}?from={original.pk}").content.decode()
    Datum.objects.update(purged_at=clock.now())
    page = alice_browser.get(f"{at}?from={original.pk}").content.decode()
    assert "it cannot be created as it was" in page
    assert "Compared with" not in alice_browser.get(at).content.decode()


class TestInheritedVariables:
    """What a worker was given is written down as fingerprints when it takes the job."""

    @pytest.fixture
    def ran(self, original: Execution, alice: User) -> Execution:
        project = original.project
        ProjectVariable.objects.create(project=project, name="PLAIN", value="plain-value-1")
        ProjectVariable.objects.create(project=project, name="KEY", value="secret-value-1", secret=True)
        return claimed(original)

    def test_nothing_is_said_while_all_is_as_it_was(self, alice: User, ran: Execution) -> None:
        assert found(alice, ran) == []

    def test_values_are_not_written_down(self, ran: Execution) -> None:
        assert sorted(ran.variables_beside) == ["KEY", "PLAIN"]
        assert "value-1" not in str(ran.variables_beside)

    def test_changed_gone_and_new_ones_are_named_without_values(
        self, alice: User, ran: Execution, alice_api: APIClient
    ) -> None:
        variables = ran.project.variables
        variables.filter(name="PLAIN").delete()
        key = variables.get(name="KEY")
        key.value = "secret-value-2"
        key.save()
        ProjectVariable.objects.create(project=ran.project, name="NEW", value="secret-value-3", secret=True)
        answer = alice_api.get(f"/api/v0/executions/{ran.pk}/reproduction/")
        assert [item["message"] for item in answer.json()["differences"]] == [
            "The variable 'KEY' that it inherited has another value now.",
            "The variable 'PLAIN' that it inherited is gone.",
            "It would inherit the variable 'NEW', which was not there.",
        ]
        assert {item["weight"] for item in answer.json()["differences"]} == {"differs"}
        assert "value-" not in answer.content.decode()

    def test_its_own_variables_are_no_inherited_ones(self, alice: User, original: Execution) -> None:
        Execution.objects.update(environment_variables={"PLAIN": "own"})
        original.refresh_from_db()
        variable = ProjectVariable.objects.create(project=original.project, name="PLAIN", value="1")
        ran = claimed(original)
        variable.value = "2"
        variable.save()
        assert found(alice, ran) == []

    def test_groups_count(self, alice: User, original: Execution) -> None:
        organization = factories.make_organization("acme", owners=(alice,))
        Project.objects.filter(pk=original.project_id).update(owner=organization.owner)
        group = factories.make_group(organization, "shared", {"IN_GROUP": "1"}, (original.project,))
        ran = claimed(original)
        assert list(ran.variables_beside) == ["IN_GROUP"]
        group.projects.clear()
        [difference] = [d for d in differences(alice, ran) if d.field == "environment_variables"]
        assert difference.message == "The variable 'IN_GROUP' that it inherited is gone."

    def test_executions_from_before_say_that_it_was_not_written_down(
        self, alice: User, ran: Execution
    ) -> None:
        Execution.objects.update(variables_beside=None)
        [difference] = differences(alice, Execution.objects.get())
        assert difference.weight is Weight.NOTE
        assert "not written down" in difference.message

    def test_one_that_never_began_inherited_nothing(self, alice: User, original: Execution) -> None:
        ProjectVariable.objects.create(project=original.project, name="PLAIN", value="1")
        assert found(alice, original) == []

    def test_after_the_key_was_changed_nobody_can_say(
        self, alice: User, ran: Execution, settings: Any
    ) -> None:
        old = settings.SECRETS_KEYS
        settings.SECRETS_KEYS = ["another key that is long enough", *old]
        assert found(alice, ran) == []
        gone = {"PLAIN": f"00000000:{'0' * 32}"}
        Execution.objects.update(variables_beside=ran.variables_beside | gone)
        [difference] = differences(alice, Execution.objects.get())
        assert difference.weight is Weight.NOTE
        assert "cannot be compared: PLAIN" in difference.message


def claimed(execution: Execution) -> Execution:
    """A worker takes the job."""
    Execution.objects.filter(pk=execution.pk).update(status=Status.QUEUED)
    worker = WorkerDescription(
        identity="w",
        host="h",
        agent_version="1",
        runtime="process",
        queues=["local"],
        facts={"masks_secrets": True},
    )
    attempts.claim(execution_id=execution.pk, epoch=execution.epoch, worker=worker, base_url="http://x")
    return Execution.objects.get(pk=execution.pk)
