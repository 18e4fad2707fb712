"""Running an execution again: what is in the way, what differs, and what one may want to know."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from datastores.models import Datum
from executions.models import Execution
from executions.reproduction import Weight, differences
from executions.services import create_execution
from executions.types import ExecutionSpec
from organizations.access import Forbidden
from projects.models import Project
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
