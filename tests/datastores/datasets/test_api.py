"""The API of datasets, as scripts in the wild use it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from datastores.models import Dataset, DatasetVersion, DatasetVersionAlias
from tests.support import factories
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db

DATASETS, VERSIONS, ALIASES = (
    f"/api/v0/{name}/" for name in ("datasets", "dataset-versions", "dataset-version-aliases")
)


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="images")


def post(api: Any, address: str, expect: int = 201, **body: Any) -> Any:
    answer = api.post(address, body, format="json")
    assert answer.status_code == expect, answer.content
    return answer.json()


class TestDatasets:
    def test_as_a_script_makes_one(self, acme: Tenant) -> None:
        body = {"name": "images", "owner": acme.organization.pk}
        answer = acme.member_api.post(DATASETS, body)
        assert answer.status_code == 201
        made = answer.json()
        assert (made["name"], made["owner"]) == ("images", {"id": acme.organization.pk, "username": "acme"})
        assert made["for_every_project"]
        shown = acme.api.get(f"{DATASETS}{made['id']}/").json()
        assert shown["latest_version"] is None
        assert [row["id"] for row in acme.api.get(DATASETS).json()["results"]] == [made["id"]]

    def test_for_some_projects(self, api: Any, alice: Any, project: Any) -> None:
        made = post(
            api, DATASETS, name="x", associated_project_ids=[str(project.pk)], tags=["a"], metadata={"k": 1}, notes="n"
        )  # fmt: skip
        assert made["associated_project_ids"] == [str(project.pk)]
        assert (made["tags"], made["metadata"], made["notes"], made["for_every_project"]) == (
            ["a"],
            {"k": 1},
            "n",
            False,
        )
        other = factories.make_project(alice)
        assert api.get(DATASETS, {"project": str(project.pk)}).json()["count"] == 1
        assert api.get(DATASETS, {"project": str(other.pk)}).json()["count"] == 0
        assert api.get(DATASETS, {"project": "nonsense"}).json()["count"] == 0
        changed = api.patch(
            f"{DATASETS}{made['id']}/", {"associated_project_ids": None}, format="json"
        ).json()
        assert changed["for_every_project"]
        assert api.get(DATASETS, {"project": str(other.pk)}).json()["count"] == 1

    def test_refusals_change_nothing(self, api: Any, dataset: Dataset) -> None:
        foreign = factories.make_project()
        for body, field in (
            ({"name": "Images"}, "name"),
            ({"name": "a/b"}, "name"),
            ({}, "name"),
            ({"name": "x", "owner": foreign.owner_id}, "owner"),
            ({"name": "x", "owner": "nobody"}, "owner"),
            ({"name": "x", "associated_project_ids": [str(foreign.pk)]}, "associated_project_ids"),
            ({"name": "x", "tags": ["\n"]}, "tags"),
        ):
            assert list(post(api, DATASETS, 400, **body)) == [field]
        assert Dataset.objects.get() == dataset

    def test_filters_and_pages(self, api: Any, project: Any) -> None:
        for name, tags in (("cats", ["prod"]), ("cars", []), ("dogs", ["prod", "new"])):
            factories.make_dataset(project, name=name, tags=tags)

        def found(**query: Any) -> list[str]:
            return [row["name"] for row in api.get(DATASETS, query).json()["results"]]

        assert found() == ["cars", "cats", "dogs"]
        assert found(search="ca") == ["cars", "cats"]
        assert found(tag=["prod", "new"]) == ["dogs"]
        assert found(name="DOGS") == ["dogs"]
        assert found(ordering="-ctime") == ["dogs", "cars", "cats"]
        assert found(limit=1, offset=1) == ["cats"]
        assert found(deleted="true") == []
        assert found(search="\0", ordering="nonsense") == ["cars", "cats", "dogs"]

    def test_deleting(self, api: Any, charlie_api: Any, dataset: Dataset) -> None:
        assert charlie_api.delete(f"{DATASETS}{dataset.pk}/").status_code == 404
        assert api.delete(f"{DATASETS}{dataset.pk}/").status_code == 204
        assert api.get(f"{DATASETS}{dataset.pk}/").status_code == 404
        assert "was deleted" in post(api, DATASETS, 400, name="images")["name"][0]["message"]


class TestVersions:
    def test_as_a_script_makes_and_reads_one(self, api: Any, project: Any, dataset: Dataset) -> None:
        files = [factories.make_datum(project, name=name) for name in ("b", "a")]
        made = post(
            api, VERSIONS, dataset=str(dataset.pk), name="v1", files=[{"datum": str(f.pk)} for f in files],
            tags=["t"], metadata={"k": [1]}, notes="first",
        )  # fmt: skip
        shown = api.get(f"{VERSIONS}{made['id']}").json()
        assert [f["datum"]["name"] for f in shown["files"]] == ["a", "b"]
        [_, file] = shown["files"]
        for name in ("md5", "sha1", "sha256"):
            assert file["datum"][name] == getattr(files[0], name)
        assert file["datum"]["id"] == str(files[0].pk)
        assert file["datum"]["size"] == 8
        assert (shown["name"], shown["uri"], shown["previous_version"]) == ("v1", "dataset://images/v1", None)
        assert (shown["tags"], shown["metadata"], shown["notes"]) == (["t"], {"k": [1]}, "first")
        assert (shown["created_by"]["username"], shown["execution"]) == ("alice", None)
        assert "files" not in api.get(f"{VERSIONS}{made['id']}/?exclude=files").json()
        listed = api.get(VERSIONS, {"dataset": str(dataset.pk)}).json()
        assert [(row["id"], row["name"]) for row in listed["results"]] == [(made["id"], "v1")]
        assert listed["next"] is None
        assert api.get(f"{DATASETS}{dataset.pk}").json()["latest_version"]["id"] == made["id"]

    def test_from_another_one(self, api: Any, project: Any, dataset: Dataset) -> None:
        old = factories.make_dataset_version(
            dataset, *(factories.make_datum(project, name=n) for n in "abc"), name="v1"
        )
        new = factories.make_datum(project, name="d")
        for number, reference in enumerate(("dataset://images/latest", str(old.pk), "dataset://images/v1")):
            body = {"from": reference, "exclude": ["a"], "files": [f"datum://{new.pk}"]}
            made = post(api, VERSIONS, dataset=str(dataset.pk), name=f"n{number}", **body)
            assert made["file_count"] == 3
        first = DatasetVersion.objects.get(name="n0")
        assert first.previous_version == old
        follows = post(
            api,
            VERSIONS,
            dataset=str(dataset.pk),
            name="f",
            previous_version=str(old.pk),
            files=[str(new.pk)],
        )
        assert (follows["previous_version"], follows["file_count"]) == (str(old.pk), 1)

    def test_refusals_change_nothing(self, api: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project, name="a")
        old = factories.make_dataset_version(dataset, datum, name="v1")
        other = factories.make_dataset_version(factories.make_dataset(project), datum)
        foreign_datum = factories.make_datum()
        foreign = factories.make_dataset_version(factories.make_dataset(foreign_datum.project), foreign_datum)
        fine = {"dataset": str(dataset.pk), "name": "v2", "files": [str(datum.pk)]}
        for change, field in (
            ({"name": "V1"}, "name"), ({"name": "latest"}, "name"), ({"name": ""}, "name"),
            ({"files": []}, "files"), ({"files": "x"}, "files"), ({"files": ["s3://bucket/key"]}, "files"),
            ({"files": [{"datum": None}]}, "files"), ({"files": [str(foreign_datum.pk)]}, "files"),
            ({"dataset": str(foreign.dataset.pk)}, "dataset"), ({"dataset": "x"}, "dataset"),
            ({"from": str(foreign.pk)}, "from"), ({"from": "dataset://images/v9"}, "from"),
            ({"previous_version": str(foreign.pk)}, "previous_version"),
            ({"previous_version": str(other.pk)}, "previous_version"),
            ({"from": str(old.pk), "exclude": ["zzz"]}, "exclude"), ({"exclude": ["a"]}, "exclude"),
        ):  # fmt: skip
            assert list(post(api, VERSIONS, 400, **{**fine, **change})) == [field], change
        assert dataset.versions.count() == 1

    def test_files_in_pages(self, api: Any, project: Any, dataset: Dataset) -> None:
        gone, purged, *_ = files = [factories.make_datum(project, name=f"f{n}") for n in range(5)]
        version = factories.make_dataset_version(dataset, *files)
        purged.purged_at = clock.now()
        purged.save()
        gone.delete()
        page = api.get(f"{VERSIONS}{version.pk}/files/", {"limit": 2, "offset": 1}).json()
        assert (page["count"], [f["datum"]["name"] for f in page["results"]]) == (5, ["f1", "f2"])
        assert page["results"][0]["datum"]["purged"]
        first = api.get(f"{VERSIONS}{version.pk}/files/", {"search": "0"}).json()["results"][0]["datum"]
        assert (first["id"], first["name"], first["deleted"]) == (None, "f0", True)

    def test_of_a_project_that_went_away_only_names_are_told(
        self, api: Any, alice: Any, project: Any
    ) -> None:
        elsewhere = factories.make_project(alice)
        dataset = factories.make_dataset(owner=alice)
        version = factories.make_dataset_version(dataset, factories.make_datum(elsewhere, name="a"))
        elsewhere.owner = factories.make_user().owner
        elsewhere.save()
        [file] = api.get(f"{VERSIONS}{version.pk}/").json()["files"]
        assert file["datum"] == {
            "id": None, "name": "a", "size": 0, "md5": None, "sha1": None, "sha256": None, "purged": False, "deleted": True,
        }  # fmt: skip

    def test_the_queries_do_not_grow_with_the_files(self, api: Any, project: Any, dataset: Dataset) -> None:
        def queries(version: DatasetVersion) -> int:
            with CaptureQueriesContext(connection) as found:
                assert len(api.get(f"{VERSIONS}{version.pk}/").json()["files"]) == version.file_count
            return len(found)

        few = factories.make_dataset_version(dataset, factories.make_datum(project))
        many = factories.make_dataset_version(
            dataset, *(factories.make_datum(project, name=f"{n}") for n in range(30))
        )
        assert queries(few) == queries(many)

    def test_diff(self, api: Any, project: Any, dataset: Dataset) -> None:
        a, b, c = (factories.make_datum(project, name=name, content=name.encode()) for name in "abc")
        old = factories.make_dataset_version(dataset, a, b, name="v1")
        new = factories.make_dataset_version(dataset, a, c, name="v2", previous_version=old)
        for query in ({}, {"to": str(old.pk)}):
            found = api.get(f"{VERSIONS}{new.pk}/diff/", query).json()
            assert (found["old"]["name"], found["new"]["name"]) == ("v1", "v2")
            assert [f["datum"]["name"] for f in found["added"]["files"]] == ["c"]
            assert [f["datum"]["name"] for f in found["removed"]["files"]] == ["b"]
            assert found["changed"]["count"] == 0
        assert api.get(f"{VERSIONS}{old.pk}/diff/").status_code == 404
        assert api.get(f"{VERSIONS}{old.pk}/diff/", {"to": "x"}).status_code == 404

    def test_descriptions(self, api: Any, project: Any, dataset: Dataset) -> None:
        version = factories.make_dataset_version(dataset, factories.make_datum(project))
        body = {"tags": ["x"], "metadata": {"a": 1}, "notes": "n", "files": [], "name": "other"}
        changed = api.patch(f"{VERSIONS}{version.pk}/", body, format="json").json()
        assert (changed["tags"], changed["metadata"], changed["notes"]) == (["x"], {"a": 1}, "n")
        assert (changed["name"], changed["file_count"]) == (version.name, 1)


class TestAliases:
    def test_are_set_moved_and_removed(self, api: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project)
        first, second = (factories.make_dataset_version(dataset, datum, name=name) for name in ("v1", "v2"))
        made = post(api, ALIASES, name="prod", version=str(first.pk))
        assert made["version"]["name"] == "v1"
        assert post(api, ALIASES, name="PROD", dataset_version=str(second.pk))["id"] == made["id"]
        moved = api.put(f"{ALIASES}{made['id']}/", {"version": str(first.pk)}, format="json").json()
        assert moved["version"]["id"] == str(first.pk)
        listed = api.get(ALIASES, {"dataset": str(dataset.pk)}).json()
        assert [(row["name"], row["uri"]) for row in listed["results"]] == [("prod", "dataset://images/prod")]
        assert api.get(f"{VERSIONS}{first.pk}/").json()["aliases"] == ["prod"]
        assert api.delete(f"{ALIASES}{made['id']}/").status_code == 204
        assert api.get(f"{ALIASES}{made['id']}/").status_code == 404

    def test_refusals(self, api: Any, project: Any, dataset: Dataset) -> None:
        datum = factories.make_datum(project)
        version = factories.make_dataset_version(dataset, datum, name="v1")
        other = factories.make_dataset_version(factories.make_dataset(project), datum)
        alias = post(api, ALIASES, name="prod", version=str(version.pk))
        assert list(post(api, ALIASES, 400, name="v1", version=str(version.pk))) == ["name"]
        assert list(post(api, ALIASES, 400, name="latest", version=str(version.pk))) == ["name"]
        assert list(post(api, ALIASES, 400, name="x", version="dataset://images/v1")) == ["version"]
        refused = api.put(f"{ALIASES}{alias['id']}/", {"version": str(other.pk)}, format="json")
        assert list(refused.json()) == ["version"]
        assert DatasetVersionAlias.objects.get().version == version
