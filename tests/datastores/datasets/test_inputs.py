"""`dataset://` as an input: resolved when an execution is created, concrete from then on."""

from typing import Any

import pytest

from common import clock
from common.errors import DomainError
from datastores.datasets import services
from datastores.inputs import input_files, resolve_input_uri
from datastores.models import Dataset, DatasetVersion
from executions.agent_api.inputs import input_entries
from executions.models import Execution
from tests.support import factories

pytestmark = pytest.mark.django_db

STEP = """\
- step:
    name: train
    image: python:3.11
    command: python train.py
    parameters:
      - {name: kind, type: string, default: train}
    inputs:
      - {name: images, keep-directories: suffix, default: "dataset://{parameter:kind}-images/latest"}
"""


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="train-images")


@pytest.fixture
def version(project: Any, dataset: Dataset) -> DatasetVersion:
    files = [factories.make_datum(project, name=n, properties={"n": n}) for n in ("b/2.png", "a/1.png")]
    return factories.make_dataset_version(dataset, *files, name="v1")


def refusal(project: Any, uri: str) -> str:
    with pytest.raises(DomainError) as refused:
        resolve_input_uri(project, uri)
    assert refused.value.field == "inputs"
    return refused.value.message


class TestResolving:
    def test_names_the_version_that_is_meant_now(
        self, alice: Any, project: Any, version: DatasetVersion
    ) -> None:
        services.set_alias(version=version, actor=alice, name="prod")
        for reference in ("v1", "V1", "latest", "PROD", str(version.pk)):
            assert (
                resolve_input_uri(project, f" dataset://Train-Images/{reference} ")
                == "dataset://train-images/v1"
            )

    def test_says_what_there_is(self, alice: Any, project: Any, version: DatasetVersion) -> None:
        services.set_alias(version=version, actor=alice, name="prod")
        assert "It can use: train-images." in refusal(project, "dataset://test-images/v1")
        assert "It has: latest, prod, v1." in refusal(project, "dataset://train-images/v2")
        empty = factories.make_dataset(project, name="empty")
        assert "no versions yet" in refusal(project, f"dataset://{empty.name}/latest")
        assert "has none yet" in refusal(factories.make_project(), "dataset://train-images/v1")

    @pytest.mark.parametrize(
        "uri", ["dataset://", "dataset://a", "dataset://a/", "dataset:///v1", "dataset://a/b/c"]
    )
    def test_of_what_is_no_address(self, project: Any, uri: str) -> None:
        assert "Write dataset://<name>/<version>" in refusal(project, uri)

    def test_stays_among_the_projects_that_it_is_for(
        self, alice: Any, project: Any, version: DatasetVersion
    ) -> None:
        other = factories.make_project(alice)
        assert "has none yet" in refusal(other, "dataset://train-images/v1")
        services.share_dataset(dataset=version.dataset, actor=alice, project_ids=[project.pk, other.pk])
        assert resolve_input_uri(other, "dataset://train-images/v1") == "dataset://train-images/v1"
        stranger = factories.make_project()
        factories.make_dataset(stranger, name="train-images")
        assert "no versions yet" in refusal(stranger, "dataset://train-images/v1")

    def test_of_deleted_ones(self, alice: Any, project: Any, version: DatasetVersion) -> None:
        services.delete_dataset(dataset=version.dataset, actor=alice)
        assert "there is no dataset" in refusal(project, "dataset://train-images/v1")
        assert len(input_files(project, "dataset://train-images/v1", "http://x")) == 2, (
            "runs that are there keep it"
        )

    def test_of_files_that_are_gone(self, project: Any, version: DatasetVersion) -> None:
        datum = project.datums.get(name="a/1.png")
        datum.purged_at = clock.now()
        datum.save()
        assert "a/1.png is gone" in refusal(project, "dataset://train-images/v1")
        datum.delete()
        assert "a/1.png is gone" in refusal(project, "dataset://train-images/v1")

    def test_of_files_whose_project_went_to_another_owner(
        self, alice: Any, project: Any, version: DatasetVersion
    ) -> None:
        elsewhere = factories.make_project(alice)
        version.dataset.projects.add(elsewhere)
        project.owner = factories.make_user().owner
        project.save()
        assert "is gone" in refusal(elsewhere, "dataset://train-images/v1")


class TestFiles:
    def test_are_those_of_the_version(self, project: Any, version: DatasetVersion) -> None:
        files = input_files(project, "dataset://train-images/v1", "http://x")
        assert [f.filename for f in files] == ["a/1.png", "b/2.png"]
        assert all(f.uri == f"datum://{f.datum_id}" and f.url and f.sha256 for f in files)
        assert files[0].metadata == [{"n": "a/1.png"}]

    def test_take_the_same_queries_however_many(
        self, project: Any, dataset: Dataset, django_assert_max_num_queries: Any
    ) -> None:
        files = [factories.make_datum(project, name=f"{n}") for n in range(60)]
        factories.make_dataset_version(dataset, *files, name="large")
        with django_assert_max_num_queries(6):
            assert len(input_files(project, "dataset://train-images/large", "http://x")) == 60


def test_an_execution_keeps_its_version(
    api: Any, project: Any, dataset: Dataset, version: DatasetVersion
) -> None:
    commit = factories.make_commit(project, STEP)
    factories.make_environment("local")
    body = {"project": str(project.pk), "commit": commit.identifier, "step": "train"}
    made = api.post("/api/v0/executions/", body, format="json")
    assert made.status_code == 201, made.content
    assert made.json()["inputs"] == [{"name": "images", "urls": ["dataset://train-images/v1"]}]
    factories.make_dataset_version(dataset, factories.make_datum(project, name="new"), name="v2")
    [entry] = input_entries(Execution.objects.get(), "http://x")
    assert [f["filename"] for f in entry["files"]] == ["a/1.png", "b/2.png"]


def test_a_dataset_that_is_not_there_refuses_the_execution(api: Any, project: Any) -> None:
    commit = factories.make_commit(project, STEP)
    factories.make_environment("local")
    body = {
        "project": str(project.pk),
        "commit": commit.identifier,
        "step": "train",
        "parameters": {"kind": "x"},
    }
    refused = api.post("/api/v0/executions/", body, format="json")
    assert refused.status_code == 400
    assert "no dataset 'x-images'" in refused.json()["inputs"][0]["message"]
    assert not Execution.objects.exists()
