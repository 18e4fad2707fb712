"""Pages of datasets, without a browser."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datastores.datasets import services
from datastores.models import Dataset, DatasetVersion
from tests.conftest import browser_of
from tests.support import factories
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(project: Any) -> str:
    return f"/p/{project.full_name}/data/datasets/"


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="images")


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content[:500]
    return str(answer.content.decode())


class TestList:
    def test_is_empty_at_first(self, alice_browser: Any, base: str) -> None:
        assert "No datasets yet" in text(alice_browser.get(base))

    def test_makes_one(self, alice_browser: Any, base: str, project: Any) -> None:
        answer = alice_browser.post(base, {"name": "images", "notes": "all of them"})
        made = Dataset.objects.get()
        assert answer.headers["Location"] == f"{base}{made.pk}/"
        assert (made.notes, made.for_every_project, list(made.projects.all())) == (
            "all of them",
            False,
            [project],
        )
        alice_browser.post(base, {"name": "shared", "for_every_project": "on"})
        assert Dataset.objects.get(name="shared").for_every_project
        page = text(alice_browser.get(base))
        assert "images" in page
        assert "shared" in page
        assert "Nothing matches" in text(alice_browser.get(base, {"search": "zzz"}))

    def test_tells_what_is_wrong(self, alice_browser: Any, base: str, dataset: Dataset) -> None:
        page = text(alice_browser.post(base, {"name": "IMAGES"}))
        assert "is there already" in page
        assert "cannot be the name" in text(alice_browser.post(base, {"name": "a/b"}))
        assert Dataset.objects.count() == 1

    def test_collaborators_share_with_nobody_else(self, bob_browser: Any, base: str) -> None:
        assert "For every project" not in text(bob_browser.get(base))
        bob_browser.post(base, {"name": "x", "for_every_project": "on"})
        assert not Dataset.objects.get().for_every_project

    def test_takes_the_same_queries_however_many(self, alice_browser: Any, base: str, project: Any) -> None:
        datum = factories.make_datum(project)

        def queries() -> int:
            factories.make_dataset_version(factories.make_dataset(project), datum)
            with CaptureQueriesContext(connection) as found:
                text(alice_browser.get(base))
            return len(found)

        assert queries() == queries()


class TestDataset:
    def test_shows_versions_aliases_and_history(
        self, alice: Any, alice_browser: Any, base: str, project: Any, dataset: Dataset
    ) -> None:
        first = factories.make_dataset_version(
            dataset, factories.make_datum(project), name="v1", tags=["clean"]
        )
        factories.make_dataset_version(dataset, factories.make_datum(project), name="v2")
        services.set_alias(version=first, actor=alice, name="production")
        page = text(alice_browser.get(f"{base}{dataset.pk}/"))
        for shown in ("v1", "v2", "clean", "production", "nothing → v1", "dataset://images/latest"):
            assert shown in page

    def test_sets_moves_and_removes_an_alias(
        self, alice_browser: Any, base: str, project: Any, dataset: Dataset
    ) -> None:
        for name in ("v1", "v2"):
            factories.make_dataset_version(dataset, factories.make_datum(project), name=name)
        for name in ("v1", "v2"):
            alice_browser.post(f"{base}{dataset.pk}/alias/", {"name": "prod", "version": name})
        assert dataset.aliases.get().version.name == "v2"
        refused = alice_browser.post(
            f"{base}{dataset.pk}/alias/", {"name": "v1", "version": "v2"}, follow=True
        )
        assert "is a version" in text(refused)
        alice_browser.post(f"{base}{dataset.pk}/alias/delete/", {"name": "prod"})
        assert not dataset.aliases.exists()

    def test_is_described(self, alice_browser: Any, base: str, dataset: Dataset) -> None:
        body = {"tags": "a, b", "properties": '{"n": 1}', "notes": "hello"}
        alice_browser.post(f"{base}{dataset.pk}/describe/", body)
        dataset.refresh_from_db()
        assert (dataset.tags, dataset.properties, dataset.notes) == (["a", "b"], {"n": 1}, "hello")
        for wrong in ("[1]", "{", "7"):
            answer = alice_browser.post(
                f"{base}{dataset.pk}/describe/", {**body, "properties": wrong}, follow=True
            )
            assert "properties" in text(answer)
        dataset.refresh_from_db()
        assert dataset.properties == {"n": 1}

    def test_is_deleted(self, alice_browser: Any, base: str, dataset: Dataset) -> None:
        assert "Deleted images" in text(alice_browser.post(f"{base}{dataset.pk}/delete/", follow=True))
        assert alice_browser.get(f"{base}{dataset.pk}/").status_code == 404

    def test_whoever_only_looks_has_no_controls(self, base: str, project: Any, dataset: Dataset) -> None:
        factories.make_dataset_version(dataset, factories.make_datum(project))
        looker = factories.make_user()
        factories.make_collaborator(project, looker, is_read_only=True)
        browser = browser_of(looker)
        page = text(browser.get(f"{base}{dataset.pk}/"))
        assert "New version" not in page
        assert "data-confirm=" not in page
        text(browser.get(f"{base}{dataset.pk}/build/"), 403)


class TestVersion:
    def test_shows_files_in_pages_and_finds_them(
        self, alice_browser: Any, base: str, project: Any, dataset: Dataset
    ) -> None:
        files = [factories.make_datum(project, name=f"img/{n:03}.png") for n in range(3)]
        version = factories.make_dataset_version(dataset, *files, name="v1", notes="<b>first</b>")
        page = text(alice_browser.get(f"{base}{dataset.pk}/{version.pk}/"))
        assert "img/000.png" in page
        assert "&lt;b&gt;first" in page
        found = text(
            alice_browser.get(
                f"{base}{dataset.pk}/{version.pk}/", {"search": "002"}, headers={"HX-Request": "true"}
            )
        )
        assert "img/002.png" in found
        assert "img/000.png" not in found
        assert "<html" not in found

    def test_files_that_are_gone_or_not_theirs(
        self, alice: Any, base: str, alice_browser: Any, project: Any, dataset: Dataset
    ) -> None:
        other = factories.make_project(alice)
        gone, hidden = factories.make_datum(project, name="gone"), factories.make_datum(other, name="hidden")
        version = factories.make_dataset_version(dataset, gone, hidden)
        gone.delete()
        bob = factories.make_user()
        factories.make_collaborator(project, bob)
        page = text(browser_of(bob).get(f"{base}{dataset.pk}/{version.pk}/"))
        assert "gone with its project" in page
        assert "hidden" in page
        assert str(hidden.pk) not in page
        assert str(hidden.pk) in text(alice_browser.get(f"{base}{dataset.pk}/{version.pk}/"))

    def test_differences(self, alice_browser: Any, base: str, project: Any, dataset: Dataset) -> None:
        a, b = (factories.make_datum(project, name=name) for name in ("left", "right"))
        old = factories.make_dataset_version(dataset, a, name="v1")
        new = factories.make_dataset_version(dataset, b, name="v2", previous_version=old)
        for query in ({}, {"from": str(old.pk)}):
            page = text(alice_browser.get(f"{base}{dataset.pk}/{new.pk}/diff/", query))
            assert "left" in page
            assert "right" in page
        text(alice_browser.get(f"{base}{dataset.pk}/{old.pk}/diff/"), 404)

    def test_of_another_dataset_is_not_there(
        self, alice_browser: Any, base: str, project: Any, dataset: Dataset
    ) -> None:
        version = factories.make_dataset_version(
            factories.make_dataset(project), factories.make_datum(project)
        )
        text(alice_browser.get(f"{base}{dataset.pk}/{version.pk}/"), 404)
        assert DatasetVersion.objects.count() == 1


def test_an_organization_lists_what_one_sees(acme: Tenant) -> None:
    team_project = factories.make_project(acme.organization, team=factories.make_team(acme.organization))
    factories.make_dataset(team_project, name="hidden-one")
    mine = factories.make_dataset(factories.make_project(acme.organization, "open"), name="mine")
    everywhere = factories.make_dataset(owner=acme.organization, name="everywhere")
    page = text(browser_of(acme.member).get("/organizations/acme/datasets/"))
    assert "hidden-one" not in page
    for shown in (mine, everywhere):
        assert f"/p/acme/open/data/datasets/{shown.pk}/" in page
    assert "hidden-one" in text(acme.browser.get("/organizations/acme/datasets/"))
