"""Packages in the pages of a job's input files: for agents that take them, and only where they save something."""

from typing import Any

import pytest

from common import clock
from datastores.datasets.packaging import building, planner, planning
from datastores.models import Dataset, DatasetPackage, DatasetVersion, Datum
from executions.agent_api import inputs as pages
from executions.models import Execution
from executions.types import Status
from tests.executions.test_agent_api import WORKER, call, declared
from tests.executions.test_input_queries import queries_of
from tests.executions.test_job_inputs import all_pages
from tests.support import factories

pytestmark = pytest.mark.django_db

TAKING = {**WORKER, "facts": {"pages_inputs": True, "takes_packages": True}}
PAGING = {**WORKER, "facts": {"pages_inputs": True}}


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="images")


@pytest.fixture
def files(project: Any) -> list[Datum]:
    return [
        factories.make_datum(project, b"%d" % number, name=f"a/{number:02}", properties={"n": number})
        for number in range(10)
    ]


@pytest.fixture
def version(dataset: Dataset, files: list[Datum], project: Any) -> DatasetVersion:
    large = factories.make_datum(project, name="large", size_bytes=planner.SMALL_BELOW_BYTES)
    version = factories.make_dataset_version(dataset, *files, large, name="v1", wants_package=True)
    planning.plan(version.pk)
    return version


@pytest.fixture
def package(version: DatasetVersion) -> DatasetPackage:
    package = version.packages.get()
    building.build(package.pk)
    package.refresh_from_db()
    return package


def run(project: Any, *inputs: Any, status: Status = Status.QUEUED) -> Execution:
    return factories.make_execution(
        project, commit=factories.make_commit(project), status=status, inputs=list(inputs)
    )


def taken(execution: Execution, worker: Any = TAKING) -> list[dict[str, Any]]:
    """Every page that the worker gets."""
    details = call(execution, "claim", {"worker": worker}).json()
    return all_pages(execution, details["next_files"])


def images(**changes: Any) -> Any:
    return declared("images", "dataset://images/v1", keep_directories="full", **changes)


def test_small_files_come_in_their_package(project: Any, package: DatasetPackage) -> None:
    [page] = taken(run(project, images()))
    [told] = page["packages"]
    assert (told["id"], told["size"], told["sha256"], told["files"]) == (
        str(package.pk), package.size_bytes, package.sha256, 10,
    )  # fmt: skip
    assert told["url"].startswith("http://testserver/files/")
    single = [file for file in page["files"] if "url" in file]
    assert [file["filename"] for file in single] == ["large"]
    packed = [file for file in page["files"] if "package" in file]
    assert [file["filename"] for file in packed] == [f"a/{number:02}" for number in range(10)]
    assert {file["package"] for file in packed} == {str(package.pk)}


def test_but_for_the_way_they_come_the_files_are_the_same(project: Any, package: DatasetPackage) -> None:
    def described(page: dict[str, Any]) -> list[dict[str, Any]]:
        way = {"url", "headers", "package"}
        return [{name: value for name, value in file.items() if name not in way} for file in page["files"]]

    [packed], [single] = taken(run(project, images())), taken(run(project, images()), PAGING)
    assert described(packed) == described(single)
    assert packed["files"][3]["metadata"] == [{"n": 3}]
    assert "packages" not in single
    assert all(file["url"] for file in single["files"])


def test_agents_without_pages_get_every_file(project: Any, package: DatasetPackage) -> None:
    [entry] = call(run(project, images()), "claim", {"worker": WORKER}).json()["inputs"]
    assert all(file["url"] for file in entry["files"])


def test_a_page_can_be_had_one_by_one(project: Any, package: DatasetPackage) -> None:
    execution = run(project, images(), status=Status.STARTED)
    after = pages.Cursor(in_packages=True).as_json()
    page = call(execution, "inputs/files", {"after": after, "one_by_one": True}).json()
    assert all(file["url"] for file in page["files"])
    assert "packages" not in page


def test_on_demand_inputs_have_addresses(project: Any, package: DatasetPackage) -> None:
    [page] = taken(run(project, images(download="on-demand")))
    assert all(file["url"] for file in page["files"])


@pytest.mark.parametrize("status", ["waiting", "building", "failed", "dropped"])
def test_a_package_that_is_not_ready_is_not_there(project: Any, version: DatasetVersion, status: str) -> None:
    dropped_at = clock.now() if status == "dropped" else None
    DatasetPackage.objects.update(status=status, dropped_at=dropped_at)
    [page] = taken(run(project, images()))
    assert all(file["url"] for file in page["files"])


def test_every_page_names_the_packages_of_its_files(
    project: Any, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "PACKAGE_FILES", 4)
    monkeypatch.setattr(pages, "PAGE_FILES", 3)
    DatasetPackage.objects.all().delete()
    DatasetVersion.objects.update(packages_planned_at=None)
    planning.plan(version.pk)
    for package in version.packages.all():
        building.build(package.pk)
    answers = taken(run(project, images(), declared("other", "dataset://images/v1")))
    found = [(file["input"], file["filename"]) for page in answers for file in page["files"]]
    assert len(found) == len(set(found)) == 22
    for page in answers:
        named = {package["id"] for package in page.get("packages", [])}
        assert named == {file["package"] for file in page["files"] if "package" in file}
    assert len({file["package"] for page in answers for file in page["files"] if "package" in file}) == 3


def test_a_job_of_another_project_of_the_dataset(
    project: Any, alice: Any, dataset: Dataset, package: DatasetPackage
) -> None:
    other = factories.make_project(alice)
    dataset.projects.add(other)
    [page] = taken(run(other, images()))
    assert len(page["packages"]) == 1


def test_queries_do_not_grow(project: Any, dataset: Dataset, package: DatasetPackage) -> None:
    more = [factories.make_datum(project, name=f"b/{number}") for number in range(60)]
    large = factories.make_dataset_version(dataset, *more, name="v2", wants_package=True)
    planning.plan(large.pk)
    building.build(large.packages.get().pk)
    few = run(project, images(), status=Status.STARTED)
    many = run(project, declared("images", "dataset://images/v2"), status=Status.STARTED)
    after = pages.Cursor(in_packages=True).as_json()
    assert queries_of(lambda: call(few, "inputs/files", {"after": after})) == queries_of(
        lambda: call(many, "inputs/files", {"after": after})
    )


@pytest.mark.parametrize("after", [[0, 0, 0, "", 1], [0, 0, 0, "", "x"], [0, 0, 0, "", True, True]])
def test_nonsense_in_the_cursor_is_refused(project: Any, after: Any) -> None:
    execution = run(project, declared("a", "https://h/x"), status=Status.STARTED)
    assert call(execution, "inputs/files", {"after": after}).status_code == 400
