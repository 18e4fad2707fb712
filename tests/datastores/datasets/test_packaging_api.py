"""Packages of a version by the API and on its page."""

from typing import Any

import pytest

from datastores.datasets.packaging import building, planning
from datastores.models import DatasetPackage, DatasetVersion
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(project: Any) -> DatasetVersion:
    files = [factories.make_datum(project, b"%d" % n, name=f"{n}.txt") for n in range(5)]
    return factories.make_dataset_version(factories.make_dataset(project, name="images"), *files, name="v1")


@pytest.fixture
def address(version: DatasetVersion) -> str:
    return f"/api/v0/dataset-versions/{version.pk}/packaging/"


@pytest.fixture
def pages(project: Any, version: DatasetVersion) -> str:
    return f"/p/{project.owner.name}/{project.name}/data/datasets/{version.dataset.pk}/{version.pk}/"


def build(version: DatasetVersion) -> DatasetPackage:
    planning.plan(version.pk)
    building.build(version.packages.get().pk)
    return version.packages.get()


class TestApi:
    def test_a_journey(self, api: Any, version: DatasetVersion, address: str) -> None:
        assert api.get(address).json() == {
            "wanted": False, "state": "none", "file_count": 0, "size": 0, "problem": "", "packages": [],
        }  # fmt: skip
        asked = api.post(address)
        assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
        package = build(version)
        shown = api.get(address).json()
        assert (shown["state"], shown["file_count"], shown["size"]) == ("ready", 5, package.size_bytes)
        [row] = shown["packages"]
        assert (row["status"], row["sha256"], row["attempts"]) == ("ready", package.sha256, 1)
        assert api.get(f"/api/v0/dataset-versions/{version.pk}/").json()["packaging"] is True
        assert api.delete(address).status_code == 204
        assert api.get(address).json()["state"] == "none"
        package.refresh_from_db()
        assert package.status == "dropped"

    def test_why_it_failed(self, api: Any, version: DatasetVersion, address: str) -> None:
        api.post(address)
        planning.plan(version.pk)
        DatasetPackage.objects.update(status="failed", problem="No room.", attempts=6)
        shown = api.get(address).json()
        assert (shown["state"], shown["problem"]) == ("failed", "No room.")
        assert api.post(address).json()["state"] == "waiting"
        package = version.packages.get()
        assert (package.status, package.attempts) == ("waiting", 0)

    def test_who_only_looks_may_not_ask(self, project: Any, version: DatasetVersion, address: str) -> None:
        from tests.conftest import api_of

        viewer = factories.make_user("viewer")
        factories.make_collaborator(project, viewer, is_read_only=True)
        viewing = api_of(viewer)
        assert viewing.get(address).status_code == 200
        assert [viewing.post(address).status_code, viewing.delete(address).status_code] == [403, 403]

    def test_queries_of_lists_stay_as_they_were(
        self, api: Any, version: DatasetVersion, django_assert_max_num_queries: Any
    ) -> None:
        build_all = [factories.make_dataset_version(version.dataset, base=version) for _ in range(3)]
        assert build_all
        with django_assert_max_num_queries(6):
            api.get("/api/v0/dataset-versions/", {"dataset": str(version.dataset.pk)})


class TestPage:
    def test_from_the_button_to_the_package(
        self, alice_browser: Any, version: DatasetVersion, pages: str
    ) -> None:
        assert "Pack small files" in alice_browser.get(pages).content.decode()
        answer = alice_browser.post(f"{pages}packaging/")
        assert answer["location"] == pages
        waiting = alice_browser.get(pages).content.decode()
        assert 'data-state="waiting"' in waiting
        assert "hx-get" in waiting.partition('id="packaging"')[2][:300]
        build(version)
        fragment = alice_browser.get(f"{pages}packaging/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in fragment
        assert "hx-get" not in fragment
        assert "5 of 5 packed" in fragment
        alice_browser.post(f"{pages}packaging/", {"action": "remove"})
        assert "Pack small files" in alice_browser.get(pages).content.decode()

    def test_a_problem_is_told_and_tried_again(
        self, alice_browser: Any, version: DatasetVersion, pages: str
    ) -> None:
        alice_browser.post(f"{pages}packaging/")
        planning.plan(version.pk)
        DatasetPackage.objects.update(status="failed", problem="<b>No room.</b>")
        shown = alice_browser.get(pages).content.decode()
        assert "&lt;b&gt;No room.&lt;/b&gt;" in shown
        assert "Try again" in shown
        alice_browser.post(f"{pages}packaging/")
        assert version.packages.get().status == "waiting"

    def test_who_only_looks_has_no_buttons(self, project: Any, version: DatasetVersion, pages: str) -> None:
        from tests.conftest import browser_of

        viewer = factories.make_user("viewer")
        factories.make_collaborator(project, viewer, is_read_only=True)
        viewing = browser_of(viewer)
        assert "Pack small files" not in viewing.get(pages).content.decode()
        assert viewing.post(f"{pages}packaging/").status_code == 403
        assert not DatasetVersion.objects.filter(wants_package=True).exists()
