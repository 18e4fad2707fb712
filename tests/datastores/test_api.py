"""The data endpoints: what each shows, to whom, and what it refuses."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from datastores.models import Datum, DatumAlias
from tests.datastores.data_api import ALIASES, DATA, NOBODY, STORES, names
from tests.support import factories

pytestmark = pytest.mark.django_db


class TestShape:
    def test_every_field_that_clients_read(self, api: Any, datum: Datum, project: Any) -> None:
        alias = DatumAlias.objects.create(project=project, name="best", datum=datum)
        row = api.get(f"{DATA}{datum.pk}/").json()
        assert row["id"] == str(datum.pk)
        assert row["name"] == "tables/data.csv"
        assert row["size"] == 8
        assert row["sha256"] == datum.sha256
        assert row["ctime"].endswith("Z")
        assert row["file_mtime"].endswith("Z")
        assert row["uri"] is None
        assert row["store"] == str(datum.store_id)
        assert row["project"]["id"] == str(project.pk)
        assert row["project"]["owner"] == {"id": project.owner_id, "username": "alice"}
        assert row["output_execution"] == {"id": NOBODY, "counter": 7}
        assert (row["purged"], row["deleted"]) == (False, False)
        assert row["tags"] == ["fresh"]
        assert row["aliases"] == [{"id": str(alias.pk), "name": "best"}]
        assert row["metadata"] == {"kind": "table"}
        assert row["url"] == f"http://testserver{DATA}{datum.pk}/"
        assert "download_url" not in row

    def test_lists_show_the_same(self, api: Any, datum: Datum) -> None:
        assert api.get(DATA).json()["results"] == [api.get(f"{DATA}{datum.pk}/").json()]

    def test_addresses_work_without_the_last_slash(self, api: Any, datum: Datum) -> None:
        assert api.get(f"{DATA}{datum.pk}").json()["id"] == str(datum.pk)
        assert api.get(DATA.rstrip("/"), follow=True).json()["count"] == 1

    def test_fields_can_be_left_out_and_added(self, api: Any, datum: Datum) -> None:
        row = api.get(DATA, {"exclude": "output_execution, project"}).json()["results"][0]
        assert "project" not in row
        assert "output_execution" not in row
        row = api.get(DATA, {"include": "download_url"}).json()["results"][0]
        assert Client().get(row["download_url"].removeprefix("http://testserver")).status_code == 200


class TestList:
    def test_only_whole_files(self, api: Any, project: Any, datum: Datum) -> None:
        factories.make_datum(project, name="reserved", stored_at=None)
        assert names(api.get(DATA)) == ["tables/data.csv"]

    def test_filters(self, api: Any, project: Any, alice: Any, datum: Datum) -> None:
        other = factories.make_datum(factories.make_project(alice), name="other.bin", tags=["old", "big"])
        factories.make_datum(project, name="gone.txt", purged_at=clock.now())
        DatumAlias.objects.create(project=other.project, name="production", datum=other)
        expected = {
            "project": (str(other.project_id), ["other.bin"]),
            "output_execution": (NOBODY, ["tables/data.csv"]),
            "execution": (NOBODY, ["tables/data.csv"]),
            "tag": ("big", ["other.bin"]),
            "name": ("other.bin", ["other.bin"]),
            "search": ("CSV", ["tables/data.csv"]),
            "purged": ("True", ["gone.txt"]),
            "deleted": ("True", []),
        }
        for parameter, (value, found) in expected.items():
            assert names(api.get(DATA, {parameter: value})) == found, parameter
        assert names(api.get(DATA, {"search": "#7"})) == ["tables/data.csv"]
        assert names(api.get(DATA, {"search": "produc"})) == ["other.bin"]
        assert names(api.get(DATA + "?tag=old&tag=fresh")) == []
        assert len(names(api.get(DATA, {"purged": "false"}))) == 2
        assert len(names(api.get(DATA, {"store": str(datum.store_id), "deleted": "false"}))) == 3

    @pytest.mark.parametrize("parameter", ["project", "output_execution", "store", "name", "search", "tag"])
    @pytest.mark.parametrize("value", ["nonsense", "a\x00b", "%", "'; --", "9" * 400])
    def test_what_names_nothing_finds_nothing(
        self, api: Any, datum: Datum, parameter: str, value: str
    ) -> None:
        assert names(api.get(DATA, {parameter: value})) in ([], ["tables/data.csv"])

    def test_unknown_parameters_and_orderings_are_ignored(self, api: Any, datum: Datum) -> None:
        assert names(api.get(DATA, {"ordering": "-nonsense", "colour": "red"})) == ["tables/data.csv"]

    @pytest.mark.parametrize(
        ("ordering", "expected"),
        [("name", "abc"), ("-name", "cba"), ("size", "cab"), ("-ctime", "cba"), ("id", "abc"), ("", "cba")],
    )
    def test_ordering(self, api: Any, project: Any, ordering: str, expected: str) -> None:
        for name, size in (("a", 2), ("b", 3), ("c", 1)):
            factories.make_datum(project, b"x" * size, name=name)
        for scope in ({}, {"project": str(project.pk)}):
            found = names(api.get(DATA, {"ordering": ordering, **scope}))
            assert "".join(found) == expected

    def test_pages(self, api: Any, project: Any) -> None:
        for number in range(5):
            factories.make_datum(project, name=str(number))
        first = api.get(DATA, {"limit": 2, "ordering": "id", "no_count": "true"}).json()
        assert first["count"] is None
        assert [row["name"] for row in first["results"]] == ["0", "1"]
        second = api.get(first["next"]).json()
        assert [row["name"] for row in second["results"]] == ["2", "3"]
        beyond = api.get(DATA, {"limit": 2, "offset": 100}).json()
        assert (beyond["count"], beyond["results"], beyond["next"]) == (5, [], None)

    def test_the_number_of_queries_does_not_grow(self, api: Any, alice: Any, project: Any) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                api.get(DATA, {"include": "download_url"})
            return len(found)

        factories.make_datum(project)
        few = queries()
        for _ in range(10):
            datum = factories.make_datum(factories.make_project(alice))
            DatumAlias.objects.create(project=datum.project, name="x", datum=datum)
        assert queries() == few <= 6


class TestAccess:
    def test_bob_in_the_project_sees_what_charlie_does_not(
        self, bob_api: Any, charlie_api: Any, datum: Datum
    ) -> None:
        assert names(bob_api.get(DATA)) == ["tables/data.csv"]
        assert names(charlie_api.get(DATA)) == []
        assert names(charlie_api.get(DATA, {"project": str(datum.project_id)})) == []
        for path in ("", "download/", "download_url/", "preview/"):
            assert bob_api.get(f"{DATA}{datum.pk}/{path}").status_code == 200
            assert charlie_api.get(f"{DATA}{datum.pk}/{path}").status_code == 404

    def test_strangers_change_nothing(self, charlie_api: Any, datum: Datum) -> None:
        project = str(datum.project_id)
        calls = [
            (f"{DATA}{datum.pk}/purge/", {}),
            (f"{DATA}{datum.pk}/metadata/", {"a": 1}),
            (f"{DATA}metadata/apply/", {"datum_metadata": {str(datum.pk): {"a": 1}}}),
            (f"{DATA}uploads/", {"project": project, "name": "x", "size": 1}),
            (f"{DATA}{datum.pk}/complete/", {}),
            (ALIASES, {"project": project, "name": "mine", "datum": str(datum.pk)}),
        ]
        for path, body in calls:
            assert charlie_api.post(path, body).status_code == 404, path
        datum.refresh_from_db()
        assert (datum.purged_at, datum.properties) == (None, {"kind": "table"})
        assert Datum.objects.count() == 1
        assert not DatumAlias.objects.exists()

    def test_whoever_may_only_look_changes_nothing(self, viewer_api: Any, datum: Datum) -> None:
        project = str(datum.project_id)
        assert viewer_api.get(f"{DATA}{datum.pk}/").status_code == 200
        calls = [
            (f"{DATA}{datum.pk}/purge/", {}),
            (f"{DATA}{datum.pk}/metadata/", {"a": 1}),
            (f"{DATA}metadata/apply/", {"datum_metadata": {str(datum.pk): {"a": 1}}}),
            (f"{DATA}uploads/", {"project": project, "name": "x", "size": 1}),
            (ALIASES, {"project": project, "name": "mine", "datum": str(datum.pk)}),
        ]
        for path, body in calls:
            assert viewer_api.post(path, body).status_code == 403, path
        datum.refresh_from_db()
        assert (datum.purged_at, datum.properties) == (None, {"kind": "table"})
        assert Datum.objects.count() == 1

    def test_anonymous_is_asked_who_they_are(self, anonymous_api: Any, datum: Datum) -> None:
        for path in (DATA, f"{DATA}{datum.pk}/", f"{DATA}{datum.pk}/download/", ALIASES, STORES):
            answer = anonymous_api.get(path)
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


class TestDownload:
    def test_is_json_with_an_address_that_needs_no_token(self, api: Any, datum: Datum) -> None:
        url = api.get(f"{DATA}{datum.pk}/download/").json()["url"]
        assert url.startswith("http://testserver/files/")
        answer = Client().get(url.removeprefix("http://testserver"))
        assert b"".join(answer.streaming_content) == b"a,b\n1,2\n"
        assert 'filename="data.csv"' in answer["Content-Disposition"]

    def test_of_a_purged_file_says_so(self, api: Any, datum: Datum) -> None:
        Datum.objects.update(purged_at=clock.now())
        answer = api.get(f"{DATA}{datum.pk}/download/")
        assert (answer.status_code, answer.json()["code"]) == (410, "purged")

    def test_of_a_reservation_is_a_404(self, api: Any, datum: Datum) -> None:
        Datum.objects.update(stored_at=None)
        assert api.get(f"{DATA}{datum.pk}/download/").status_code == 404


class TestProperties:
    def test_are_merged(self, api: Any, datum: Datum) -> None:
        body = {"kind": "list", "rows": 2, "valohai.tags": ["prod", "fresh"], "valohai.alias": "newest"}
        row = api.post(f"{DATA}{datum.pk}/metadata/", body).json()
        assert row["metadata"] == {"kind": "list", "rows": 2}
        assert row["tags"] == ["fresh", "prod"]
        assert [alias["name"] for alias in row["aliases"]] == ["newest"]

    @pytest.mark.parametrize(
        "body",
        [
            {"valohai.tags": [1]}, {"valohai.tags": {"a": 1}}, {"valohai.alias": ["a", "b"]}, {"valohai.alias": 7},
            {"valohai.alias": "a/b"}, {"valohai.alias": NOBODY}, {"x": "y" * 300_000}, [1, 2],
        ],
        ids=str,
    )  # fmt: skip
    def test_of_the_wrong_shape_change_nothing(self, api: Any, datum: Datum, body: Any) -> None:
        answer = api.post(f"{DATA}{datum.pk}/metadata/", body)
        assert answer.status_code == 400
        assert answer.json()["metadata"][0]["message"]
        datum.refresh_from_db()
        assert (datum.properties, datum.tags) == ({"kind": "table"}, ["fresh"])

    def test_text_that_the_database_cannot_hold_is_replaced(self, api: Any, datum: Datum) -> None:
        body = r'{"a\u0000b": ["c\u0000", {"d": "\ud800"}]}'
        row = api.post(f"{DATA}{datum.pk}/metadata/", body, content_type="application/json").json()
        assert row["metadata"] == {"kind": "table", "a\ufffdb": ["c\ufffd", {"d": "?"}]}

    def test_of_several_at_once(self, api: Any, project: Any, datum: Datum) -> None:
        other = factories.make_datum(project)
        wanted = {str(datum.pk): {"a": 1}, str(other.pk): {"b": 2}}
        assert api.post(f"{DATA}metadata/apply/", {"datum_metadata": wanted}).json() == {"ok": True}
        datum.refresh_from_db()
        other.refresh_from_db()
        assert (datum.properties["a"], other.properties["b"]) == (1, 2)

    def test_all_or_nothing(self, api: Any, datum: Datum) -> None:
        good, bad = {str(datum.pk): {"a": 1}}, {"nonsense": {"b": 2}}
        assert api.post(f"{DATA}metadata/apply/", {"datum_metadata": good | bad}).status_code == 404
        wrong = {str(datum.pk): {"a": 1}, str(factories.make_datum(datum.project).pk): {"valohai.tags": 3.5}}
        assert api.post(f"{DATA}metadata/apply/", {"datum_metadata": wrong}).status_code == 400
        assert api.post(f"{DATA}metadata/apply/", {"datum_metadata": [1]}).status_code == 400
        datum.refresh_from_db()
        assert "a" not in datum.properties


class TestPurge:
    def test_keeps_the_record(self, api: Any, datum: Datum) -> None:
        assert api.post(f"{DATA}{datum.pk}/purge/").json() == {"ok": True}
        assert api.get(f"{DATA}{datum.pk}/").json()["purged"] is True
        assert api.post(f"{DATA}{datum.pk}/purge/").json() == {"ok": True}
        assert names(api.get(DATA, {"purged": "false"})) == []


class TestStores:
    def test_show_no_secrets(self, api: Any) -> None:
        store = factories.make_store(
            configuration={"bucket": "b", "secret_access_key": "hidden", "access_key_id": "hidden"},
            credentials="hidden",
        )
        row = api.get(STORES).json()["results"][0]
        assert row == api.get(f"{STORES}{store.pk}/").json()
        assert row["configuration"] == {"bucket": "b"}
        assert "hidden" not in str(row)
        assert (row["owner"], row["project"], row["teams"], row["paths"]) == (None, None, [], {})
        assert (row["allow_read"], row["allow_uri_download"], row["type"]) == (True, False, "platform")

    def test_of_others_are_not_there(self, api: Any, charlie_api: Any, alice: Any, project: Any) -> None:
        personal = factories.make_store(
            name="personal", is_default=False, kind="s3", owner=alice.owner, access_mode="teams"
        )
        of_project = factories.make_store(
            name="project", is_default=False, kind="s3", project=project, access_mode="single_project"
        )
        assert set(names(api.get(STORES))) == {"personal", "project"}
        assert names(charlie_api.get(STORES)) == []
        for store in (personal, of_project):
            assert charlie_api.get(f"{STORES}{store.pk}/").status_code == 404
