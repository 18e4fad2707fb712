"""The data endpoints: what each shows, to whom, and what it refuses."""

import hashlib
import uuid
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from datastores.models import Datum, DatumAlias
from tests.support import factories

pytestmark = pytest.mark.django_db

DATA = "/api/v0/data/"
ALIASES = "/api/v0/datum-aliases/"
STORES = "/api/v0/stores/"
NOBODY = "01744e18-c8cf-4ed9-0a44-412f65b0f224"


@pytest.fixture
def datum(project: Any) -> Datum:
    return factories.make_datum(
        project, b"a,b\n1,2\n", name="tables/data.csv", tags=["fresh"], properties={"kind": "table"},
        output_execution_id=uuid.UUID(NOBODY), output_execution_counter=7, file_modified_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def viewer_api(project: Any) -> Any:
    from tests.conftest import api_of

    viewer = factories.make_user("viewer")
    factories.make_collaborator(project, viewer, is_read_only=True)
    return api_of(viewer)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


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


class TestUpload:
    def reserve(self, api: Any, project: Any, **body: Any) -> Any:
        return api.post(
            f"{DATA}uploads/", {"project": str(project.pk), "name": "dir/model.bin", "size": 5, **body}
        )

    def put(self, grant: Any, content: bytes) -> Any:
        path = grant["url"].removeprefix("http://testserver")
        return Client().put(path, content, content_type="application/octet-stream")

    def test_from_reservation_to_file(self, api: Any, project: Any, alice: Any) -> None:
        answer = self.reserve(api, project)
        assert answer.status_code == 201
        grant = answer.json()
        assert grant["method"] == "PUT"
        assert names(api.get(DATA)) == []
        assert self.put(grant, b"12345").status_code == 201
        sha256 = hashlib.sha256(b"12345").hexdigest()
        row = api.post(f"{DATA}{grant['datum_id']}/complete/", {"sha256": sha256}).json()
        assert (row["name"], row["size"], row["sha256"]) == ("dir/model.bin", 5, sha256)
        assert names(api.get(DATA)) == ["dir/model.bin"]
        assert Datum.objects.get().uploader == alice
        again = api.post(f"{DATA}{grant['datum_id']}/complete/").json()
        assert again["sha256"] == sha256

    def test_is_not_believed_before_the_bytes_are_there(self, api: Any, project: Any) -> None:
        grant = self.reserve(api, project).json()
        done = f"{DATA}{grant['datum_id']}/complete/"
        assert api.post(done).json()["code"] == "upload_incomplete"
        self.put(grant, b"1234")
        assert api.post(done).status_code == 400
        assert names(api.get(DATA)) == []

    def test_with_another_content_is_refused(self, api: Any, project: Any) -> None:
        grant = self.reserve(api, project).json()
        self.put(grant, b"12345")
        answer = api.post(f"{DATA}{grant['datum_id']}/complete/", {"sha256": "0" * 64})
        assert answer.json()["sha256"][0]["code"] == "checksum_wrong"
        assert api.post(f"{DATA}{grant['datum_id']}/complete/", {"sha256": "short"}).status_code == 400
        assert names(api.get(DATA)) == []

    def test_is_finished_by_whoever_began_it(self, api: Any, bob_api: Any, project: Any) -> None:
        grant = self.reserve(api, project).json()
        self.put(grant, b"12345")
        assert bob_api.post(f"{DATA}{grant['datum_id']}/complete/").status_code == 404

    def test_of_nothing(self, api: Any, project: Any) -> None:
        grant = self.reserve(api, project, size=0).json()
        assert self.put(grant, b"").status_code == 201
        assert api.post(f"{DATA}{grant['datum_id']}/complete/").json()["size"] == 0

    @pytest.mark.parametrize(
        "name", ["", "/", "..", "../x", "a/../b", "a\\..\\b", "a\x00b", "a\nb", "x" * 1001, "\x7f"]
    )
    def test_names_that_cannot_be_stored(self, api: Any, project: Any, name: str) -> None:
        answer = self.reserve(api, project, name=name)
        assert answer.status_code == 400
        assert answer.json()["name"][0]["message"]
        assert not Datum.objects.exists()

    def test_half_characters_are_refused_everywhere(self, api: Any, project: Any) -> None:
        body = r'{"project": "%s", "name": "\ud800", "size": 5}' % project.pk  # noqa: UP031  (backslashes)
        assert api.post(f"{DATA}uploads/", body, content_type="application/json").status_code == 400
        body = r'{"datum_metadata": {"\ud800": {}}}'
        assert api.post(f"{DATA}metadata/apply/", body, content_type="application/json").status_code == 404

    @pytest.mark.parametrize(
        ("name", "stored"),
        [("/a//b/./c.txt", "a/b/c.txt"), ("ü/日本/🎉.txt", "ü/日本/🎉.txt"), ("a b;c'\"d", "a b;c'\"d"), ("é" * 1000, "é" * 1000)],
    )  # fmt: skip
    def test_names_that_can(self, api: Any, project: Any, name: str, stored: str) -> None:
        grant = self.reserve(api, project, name=name).json()
        assert self.put(grant, b"12345").status_code == 201
        assert api.post(f"{DATA}{grant['datum_id']}/complete/").json()["name"] == stored

    def test_into_a_store_that_takes_nothing(self, api: Any, project: Any) -> None:
        factories.make_store(allow_write=False)
        assert self.reserve(api, project).json()["code"] == "store_read_only"


class TestPurge:
    def test_keeps_the_record(self, api: Any, datum: Datum) -> None:
        assert api.post(f"{DATA}{datum.pk}/purge/").json() == {"ok": True}
        assert api.get(f"{DATA}{datum.pk}/").json()["purged"] is True
        assert api.post(f"{DATA}{datum.pk}/purge/").json() == {"ok": True}
        assert names(api.get(DATA, {"purged": "false"})) == []


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


class TestPreview:
    def shown(self, api: Any, project: Any, name: str, content: bytes) -> Any:
        datum = factories.make_datum(project, content, name=name)
        answer = api.get(f"{DATA}{datum.pk}/preview/")
        assert answer.status_code == 200
        return answer.json()

    def test_image_is_an_address_with_a_fixed_type(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "plot.jpg", b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
        answer = Client().get(shown["url"].removeprefix("http://testserver"))
        assert answer["Content-Type"] == "image/png"
        assert answer["Content-Disposition"].startswith("inline")
        assert "sandbox" in answer["Content-Security-Policy"]

    @pytest.mark.parametrize("name", ["evil.svg", "evil.html", "evil.png", "evil.xml"])
    def test_markup_is_text_whatever_its_name(self, api: Any, project: Any, name: str) -> None:
        shown = self.shown(api, project, name, b"<svg onload=alert(1)><script>alert(2)</script></svg>")
        assert shown["kind"] == "text"
        assert shown["text"].startswith("<svg")
        assert "url" not in shown

    def test_large_text_is_cut(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "log.txt", "é".encode() * 200_000)
        assert shown["kind"] == "text"
        assert shown["truncated"] is True
        assert set(shown["text"]) == {"é"}
        assert len(shown["text"]) <= 256 * 1024

    def test_table(self, api: Any, project: Any) -> None:
        shown = self.shown(api, project, "t.csv", 'x;y\r\n1;"a;b"\r\n'.encode("utf-8-sig"))
        assert (shown["kind"], shown["rows"]) == ("csv", [["x", "y"], ["1", "a;b"]])
        shown = self.shown(api, project, "t.csv", b"a,b\n" * 600)
        assert (len(shown["rows"]), shown["truncated"]) == (500, True)

    def test_json(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "a.json", b'{"b":[1]}')["text"] == '{\n  "b": [\n    1\n  ]\n}'
        for broken in (b"{", b"[" * 5000, b"1" * 5000):
            assert self.shown(api, project, "a.json", broken)["kind"] in ("text", "json")

    def test_what_is_no_text(self, api: Any, project: Any) -> None:
        assert self.shown(api, project, "model.bin", b"\x00\x01\x02")["kind"] == "none"
        assert self.shown(api, project, "empty.txt", b"") == {"kind": "text", "text": "", "truncated": False}
        assert self.shown(api, project, "utf16.txt", "grün".encode("utf-16"))["text"] == "grün"
        assert self.shown(api, project, "old.txt", "grün".encode("latin-1"))["text"] == "grün"

    def test_of_purged_and_lost_files(self, api: Any, project: Any) -> None:
        datum = factories.make_datum(project)
        default_storage.delete(datum.key)
        assert api.get(f"{DATA}{datum.pk}/preview/").json()["kind"] == "none"
        Datum.objects.update(purged_at=clock.now())
        assert api.get(f"{DATA}{datum.pk}/preview/").json()["kind"] == "none"


def test_objects_have_opaque_names(api: Any, project: Any) -> None:
    body = {"project": str(project.pk), "name": "secret plans/x.txt", "size": 1}
    datum = Datum.objects.get(pk=api.post(f"{DATA}uploads/", body).json()["datum_id"])
    assert datum.key == f"data/{project.pk}/{datum.pk}"
    default_storage.save(datum.key, ContentFile(b"x"))
    default_storage.delete(datum.key)
