"""Versions of datasets and addresses in traces: what stands for what, and who sees it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from common import clock
from datastores.models import DatasetVersion, DataStore, Datum
from executions.lineage.kinds import FILES_LOOKED_AT, MOST_FILES_SHOWN, Direction, Kind
from executions.lineage.trace import Limits, trace
from executions.models import Execution
from projects.models import Project
from tests.support import factories

pytestmark = pytest.mark.django_db


def of(user: User, kind: Kind, pk: Any, direction: str = "both", **limits: Any) -> dict[str, Any]:
    return trace(user, kind, pk, Direction(direction), Limits(**limits))


def of_file(user: User, datum: Datum, direction: str = "both", **limits: Any) -> dict[str, Any]:
    return of(user, Kind.FILE, datum.pk, direction, **limits)


def of_run(user: User, execution: Execution, direction: str = "both", **limits: Any) -> dict[str, Any]:
    return of(user, Kind.EXECUTION, execution.pk, direction, **limits)


def of_version(user: User, version: DatasetVersion, direction: str = "both", **limits: Any) -> dict[str, Any]:
    return of(user, Kind.VERSION, version.pk, direction, **limits)


def ids(graph: dict[str, Any]) -> set[str]:
    return {node["id"] for node in graph["nodes"]}


def pks(*rows: Any) -> set[str]:
    return {str(row.pk) for row in rows}


def edges(graph: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(edge["from"], edge["to"], edge["name"]) for edge in graph["edges"]}


def edge(source: Any, target: Any, name: str = "") -> tuple[str, str, str]:
    return (str(source.pk), str(target.pk), name)


def node(graph: dict[str, Any], row: Any) -> dict[str, Any]:
    return next(node for node in graph["nodes"] if node["id"] == str(row.pk))


def files_of(project: Project, number: int, **fields: Any) -> list[Datum]:
    first = factories.make_datum(project, name="f0", **fields)
    facts = {"project": project, "store": first.store, "stored_at": clock.now(), **fields}
    others = [Datum(key=f"k{n}", name=f"f{n}", **facts) for n in range(1, number)]
    return [first, *Datum.objects.bulk_create(others)]


class TestSmallVersions:
    """Up to some files, they are shown."""

    def test_from_the_run_that_made_a_file_to_the_one_that_used_the_version(
        self, project: Project, alice: User
    ) -> None:
        maker, [made] = factories.make_run(project, outputs=("made",))
        uploaded = factories.make_datum(project, name="uploaded")
        version = factories.make_dataset_version(
            factories.make_dataset(project), made, uploaded, execution_id=maker.pk
        )
        user = factories.make_reading(project, version.uri)
        graph = of_run(alice, user)
        assert ids(graph) == pks(maker, made, uploaded, version, user)
        assert edges(graph) == {
            edge(maker, made), edge(made, version), edge(uploaded, version), edge(version, user, "read"),
        }  # fmt: skip
        assert graph["truncated"] is False
        for start in (of_version(alice, version), of_file(alice, made)):
            assert pks(maker, made, version, user) <= ids(start)

    def test_other_files_of_a_version_are_no_lineage_of_one_of_them(
        self, project: Project, alice: User
    ) -> None:
        one, other = (factories.make_datum(project, name=name) for name in ("one", "other"))
        version = factories.make_dataset_version(factories.make_dataset(project), one, other)
        assert ids(of_file(alice, one)) == pks(one, version)

    def test_what_was_made_with_a_version_is_behind_each_of_its_files(
        self, project: Project, alice: User
    ) -> None:
        one = factories.make_datum(project)
        version = factories.make_dataset_version(factories.make_dataset(project), one)
        user = factories.make_reading(project, version.uri, outputs=("model",))
        model = Datum.objects.get(output_execution_id=user.pk)
        assert ids(of_file(alice, one, "down")) == pks(one, version, user, model)
        assert ids(of_file(alice, model, "up")) == pks(one, version, user, model)

    def test_a_file_that_is_an_input_by_itself_as_well(self, project: Project, alice: User) -> None:
        one = factories.make_datum(project)
        version = factories.make_dataset_version(factories.make_dataset(project), one)
        user = factories.make_reading(project, version.uri, f"datum://{one.pk}")
        assert edges(of_run(alice, user)) == {
            edge(one, version), edge(version, user, "read"), edge(one, user, "read"),
        }  # fmt: skip


class TestLargeVersions:
    @pytest.fixture
    def maker(self, project: Project) -> Execution:
        return factories.make_run(project)[0]

    @pytest.fixture
    def files(self, project: Project, maker: Execution) -> list[Datum]:
        return files_of(project, MOST_FILES_SHOWN + 1, output_execution_id=maker.pk)

    @pytest.fixture
    def version(self, project: Project, files: list[Datum]) -> DatasetVersion:
        version = factories.make_dataset_version(factories.make_dataset(project), *files)
        version.file_count = len(files)
        version.save()
        return version

    def test_it_stands_for_its_files(
        self, project: Project, alice: User, maker: Execution, version: DatasetVersion
    ) -> None:
        user = factories.make_reading(project, version.uri)
        graph = of_run(alice, user, "up")
        assert ids(graph) == pks(maker, version, user)
        assert edges(graph) == {edge(maker, version), edge(version, user, "read")}
        assert node(graph, version)["more_up"], "its files are not shown"
        assert node(graph, version)["files"] == MOST_FILES_SHOWN + 1
        assert graph["truncated"]

    def test_a_trace_that_begins_there_has_its_files(
        self, alice: User, maker: Execution, files: list[Datum], version: DatasetVersion
    ) -> None:
        graph = of_version(alice, version, "up")
        assert ids(graph) == pks(maker, version, *files)
        assert edge(maker, version) not in edges(graph), "the files tell that"
        assert graph["truncated"] is False
        few = of_version(alice, version, "up", neighbours=3)
        assert len(few["nodes"]) == 5
        assert node(few, version)["more_up"]

    def test_several_makers_and_files_that_nobody_made(
        self, project: Project, alice: User, maker: Execution, files: list[Datum]
    ) -> None:
        other, [made] = factories.make_run(project, outputs=("made",))
        version = factories.make_dataset_version(
            factories.make_dataset(project), *files, made, factories.make_datum(project, name="uploaded")
        )
        DatasetVersion.objects.filter(pk=version.pk).update(file_count=len(files) + 2)
        user = factories.make_reading(project, version.uri)
        assert ids(of_run(alice, user, "up")) == pks(maker, other, version, user)

    def test_of_the_largest_only_some_files_are_looked_at(
        self, project: Project, alice: User, maker: Execution
    ) -> None:
        """Yet the execution that asked for the version is always there."""
        late, [made] = factories.make_run(project, outputs=("zz-last",))
        many = files_of(project, FILES_LOOKED_AT)
        version = factories.make_dataset_version(
            factories.make_dataset(project), *many, made, execution_id=maker.pk
        )
        DatasetVersion.objects.filter(pk=version.pk).update(file_count=len(many) + 1)
        graph = of_run(alice, factories.make_reading(project, version.uri), "up")
        assert str(maker.pk) in ids(graph)
        assert str(late.pk) not in ids(graph)
        assert node(graph, version)["more_up"]

    def test_a_file_of_it_shows_the_way_down(
        self, project: Project, alice: User, maker: Execution, files: list[Datum], version: DatasetVersion
    ) -> None:
        user = factories.make_reading(project, version.uri)
        graph = of_file(alice, files[0])
        assert ids(graph) == pks(maker, files[0], version, user)
        assert edges(graph) == {
            edge(maker, files[0]), edge(files[0], version), edge(version, user, "read"),
        }  # fmt: skip

    def test_queries_do_not_depend_on_versions(
        self, project: Project, alice: User, version: DatasetVersion
    ) -> None:
        def queries(start: Execution) -> int:
            with CaptureQueriesContext(connection) as captured:
                of_run(alice, start)
            return len(captured)

        one = factories.make_reading(project, version.uri, "https://example.com/0")
        others = [factories.make_dataset_version(factories.make_dataset(project)).uri for _ in range(8)]
        addresses = [f"https://example.com/{n}" for n in range(8)]
        several = factories.make_reading(project, version.uri, *others, *addresses)
        assert len(of_run(alice, several)["nodes"]) == 19
        assert queries(several) == queries(one)


class TestSight:
    def test_versions_of_hidden_datasets_end_the_walk(self, project: Project, alice: User, bob: User) -> None:
        hidden = factories.make_project(alice, "hidden")
        start = factories.make_datum(project)
        version = factories.make_dataset_version(factories.make_dataset(hidden), start)
        factories.make_reading(hidden, version.uri)
        assert len(of_file(alice, start)["nodes"]) == 3
        graph = of_file(bob, start)
        assert (ids(graph), graph["truncated"]) == (pks(start), False)

    def test_files_of_hidden_projects_in_a_version_are_not_there(
        self, project: Project, alice: User, bob: User
    ) -> None:
        hidden = factories.make_project(alice, "hidden")
        secret = factories.make_datum(hidden, name="secret")
        version = factories.make_dataset_version(factories.make_dataset(project), secret)
        graph = of_version(bob, version)
        assert (ids(graph), graph["truncated"]) == (pks(version), False)

    def test_a_deleted_dataset_is_still_told(self, project: Project, alice: User) -> None:
        dataset = factories.make_dataset(project)
        version = factories.make_dataset_version(dataset, factories.make_datum(project))
        user = factories.make_reading(project, version.uri)
        dataset.deleted_at = clock.now()
        dataset.save()
        shown = node(of_run(alice, user), version)
        assert (shown["deleted"], shown["url"], shown["project"]) == (True, "", "")

    def test_pages_are_in_a_project_that_one_sees(self, project: Project, alice: User, bob: User) -> None:
        elsewhere = factories.make_project(alice, "elsewhere")
        dataset = factories.make_dataset(elsewhere, project)
        version = factories.make_dataset_version(dataset, factories.make_datum(project))
        assert node(of_version(bob, version), version)["project"] == project.full_name
        both = trace(alice, Kind.VERSION, version.pk, Direction.BOTH, Limits(), home=elsewhere.pk)
        assert node(both, version)["project"] == elsewhere.full_name


class TestAddresses:
    @pytest.fixture
    def bucket(self, project: Project) -> DataStore:
        return factories.make_store(
            name="bucket", kind="s3", project=project, is_default=False, access_mode="single_project",
            configuration={"bucket": "b"},
        )  # fmt: skip

    def test_one_node_for_all_who_read_it(self, project: Project, alice: User, bucket: DataStore) -> None:
        runs = [factories.make_reading(project, "s3://b/x.csv", outputs=("out",)) for _ in range(2)]
        graph = of_run(alice, runs[0])
        [address] = [node for node in graph["nodes"] if node["kind"] == "address"]
        assert address["name"] == "s3://b/x.csv"
        assert [e["name"] for e in graph["edges"] if e["from"] == address["id"]] == ["read"]
        other = of_run(alice, runs[1])
        assert address["id"] in ids(other)

    def test_secrets_in_addresses_are_not_shown(
        self, project: Project, alice: User, alice_api: APIClient
    ) -> None:
        run = factories.make_reading(
            project, "https://someone:pa55word@example.com/x.csv?sig=pa55word#pa55word"
        )
        answer = alice_api.get(f"/api/v0/executions/{run.pk}/trace/").content.decode()
        assert "https://example.com/x.csv?…" in answer
        assert "pa55word" not in answer
        assert "someone" not in answer

    @pytest.mark.parametrize("adopted_first", [True, False])
    def test_an_adopted_file_at_the_address_is_the_same_thing(
        self, project: Project, alice: User, bucket: DataStore, adopted_first: bool
    ) -> None:
        def adopt() -> Datum:
            return factories.make_datum(project, name="x.csv", store=bucket, key="x.csv", is_adopted=True)

        datum = adopt() if adopted_first else None
        run = factories.make_reading(project, "s3://b/x.csv")
        datum = datum or adopt()
        graph = of_run(alice, run)
        assert (ids(graph), edges(graph)) == (pks(datum, run), {edge(datum, run, "read")})
        assert ids(of_file(alice, datum)) == pks(datum, run)

    def test_a_file_of_another_project_at_the_address_is_not(
        self, project: Project, alice: User, bucket: DataStore
    ) -> None:
        other = factories.make_project(alice, "other")
        there = factories.make_datum(other, store=bucket, key="x.csv", is_adopted=True)
        run = factories.make_reading(project, "s3://b/x.csv")
        assert [node["kind"] for node in of_run(alice, run)["nodes"]].count("address") == 1
        assert ids(of_file(alice, there)) == pks(there)


class TestApiAndPages:
    def test_from_a_version(self, project: Project, alice_api: APIClient, alice_browser: Any) -> None:
        maker, [made] = factories.make_run(project, outputs=("made",))
        version = factories.make_dataset_version(
            factories.make_dataset(project), made, execution_id=maker.pk, execution_project=project
        )
        user = factories.make_reading(project, version.uri)
        at = f"/api/v0/dataset-versions/{version.pk}/trace/"
        assert ids(alice_api.get(at).json()) == pks(maker, made, version, user)
        assert ids(alice_api.get(at, {"direction": "down"}).json()) == pks(version, user)
        graph = alice_api.get(at, {"project": str(project.pk)}).json()
        for shown in graph["nodes"]:
            for address in (shown["url"], shown["trace_url"]):
                assert alice_browser.get(address).status_code == 200
        page = alice_browser.get(node(graph, version)["trace_url"]).content.decode()
        assert f"executions/create/?from={maker.pk}" in page
        assert f"{at}?project={project.pk}" in page
        assert "trace/" in alice_browser.get(node(graph, version)["url"]).content.decode()

    @pytest.mark.parametrize("project_id", ["x", "\0", "", "00000000-0000-0000-0000-000000000001"])
    def test_a_project_that_one_does_not_see_is_not_chosen(
        self, project: Project, alice_api: APIClient, project_id: str
    ) -> None:
        version = factories.make_dataset_version(factories.make_dataset(project))
        graph = alice_api.get(f"/api/v0/dataset-versions/{version.pk}/trace/", {"project": project_id}).json()
        assert graph["nodes"][0]["project"] == project.full_name

    def test_strangers_get_nothing(
        self, project: Project, alice: User, charlie_api: APIClient, charlie_browser: Any, alice_browser: Any
    ) -> None:
        dataset = factories.make_dataset(project)
        version = factories.make_dataset_version(dataset)
        assert charlie_api.get(f"/api/v0/dataset-versions/{version.pk}/trace/").status_code == 404
        address = f"/p/alice/{project.name}/data/datasets/{dataset.pk}/{version.pk}/trace/"
        assert charlie_browser.get(address).status_code == 404
        other = factories.make_project(alice)
        elsewhere = f"/p/alice/{other.name}/data/datasets/{dataset.pk}/{version.pk}/trace/"
        assert alice_browser.get(elsewhere).status_code == 404
