"""Names that point to one file of a project and can be moved."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from datastores.models import Datum, DatumAlias
from tests.datastores.data_api import ALIASES, NOBODY
from tests.support import factories

pytestmark = pytest.mark.django_db


class TestAliases:
    def test_create_and_move(self, api: Any, project: Any, datum: Datum) -> None:
        body = {"project": str(project.pk), "name": "production", "datum": str(datum.pk)}
        created = api.post(ALIASES, body)
        assert created.status_code == 201
        other = factories.make_datum(project, name="newer.csv")
        moved = api.post(ALIASES, {**body, "name": "Production", "datum": str(other.pk)}).json()
        assert moved["id"] == created.json()["id"]
        assert moved["datum"]["name"] == "newer.csv"
        listed = api.get(
            ALIASES,
            {"project": str(project.pk), "ordering": "-ctime", "no_count": "true", "deleted": "false"},
        )
        row = listed.json()["results"][0]
        assert (row["name"], row["datum"]["id"], row["project"]["id"]) == (
            "production",
            str(other.pk),
            str(project.pk),
        )
        assert row["mtime"].endswith("Z")

    @pytest.mark.parametrize("name", ["", " ", "a/b", "a b", "a\x00", "x" * 129, NOBODY, "a?b", "a#b"])
    def test_names_that_cannot_be_aliases(self, api: Any, project: Any, datum: Datum, name: str) -> None:
        answer = api.post(ALIASES, {"project": str(project.pk), "name": name, "datum": str(datum.pk)})
        assert answer.status_code == 400
        assert "name" in answer.json()
        assert not DatumAlias.objects.exists()

    def test_of_a_file_of_another_project_or_a_purged_one(
        self, api: Any, alice: Any, project: Any, datum: Datum
    ) -> None:
        other = factories.make_datum(factories.make_project(alice))
        body = {"project": str(project.pk), "name": "x"}
        assert api.post(ALIASES, {**body, "datum": str(other.pk)}).status_code == 404
        Datum.objects.filter(pk=datum.pk).update(purged_at=clock.now())
        assert api.post(ALIASES, {**body, "datum": str(datum.pk)}).status_code == 410
        assert not DatumAlias.objects.exists()

    def test_resolve(self, api: Any, charlie_api: Any, project: Any, datum: Datum) -> None:
        DatumAlias.objects.create(project=project, name="best", datum=datum)
        found = api.get(f"{ALIASES}resolve/", {"name": "BEST", "project": str(project.pk)}).json()
        assert (found["datum"]["id"], found["datum"]["sha256"]) == (str(datum.pk), datum.sha256)
        assert api.get(f"{ALIASES}resolve/", {"name": "best"}).status_code == 200
        for params in ({"name": "worst"}, {}, {"name": "best", "project": NOBODY}, {"name": "a\x00"}):
            assert api.get(f"{ALIASES}resolve/", params).status_code == 404, params
        assert charlie_api.get(f"{ALIASES}resolve/", {"name": "best"}).status_code == 404

    def test_the_number_of_queries_does_not_grow(self, api: Any, project: Any) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                api.get(ALIASES)
            return len(found)

        for number in range(2):
            DatumAlias.objects.create(project=project, name=f"a{number}", datum=factories.make_datum(project))
        few = queries()
        for number in range(10):
            DatumAlias.objects.create(project=project, name=f"b{number}", datum=factories.make_datum(project))
        assert queries() == few
