"""Stores in the API: who connects and changes them, the shapes that strict clients decode, and secrets that never come out."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from audit.models import AuditEvent
from datastores.cleaning import erase
from datastores.models import Adoption, DataStore, Datum
from datastores.opening import object_store, settings_of
from datastores.selectors import find_upload_store, readable_by
from organizations.models import Organization, Team
from tests.conftest import api_of
from tests.support import factories
from tests.support.shapes import Nullable, assert_shape

pytestmark = pytest.mark.django_db

STORES = "/api/v0/stores/"
SHAPE = {
    "id": str, "name": str, "type": str, "access_mode": str, "allow_read": bool, "allow_write": bool,
    "allow_uri_download": bool, "allow_adopt": bool, "configuration": dict, "owner": Nullable(int),
    "project": Nullable(str), "teams": [str], "paths": dict, "uri_prefix": str, "deleted": bool, "ctime": str,
    "mtime": str, "url": str,
}  # fmt: skip
SECRET = "s3cret-key-of-a-bucket"
S3 = {"bucket": "ours", "region": "eu-west-1", "access_key_id": "AKIA-s3cret", "secret_access_key": SECRET}


@pytest.fixture
def member(db: None) -> User:
    return factories.make_user("member")


@pytest.fixture
def acme(alice: User, member: User) -> Organization:
    return factories.make_organization("acme", owners=(alice,), members=(member,))


@pytest.fixture
def vision(acme: Organization, member: User) -> Team:
    return factories.make_team(acme, "vision", members=(member,))


def body(**changes: Any) -> dict[str, Any]:
    return {"name": "bucket", "type": "s3", "configuration": S3, "owner": "acme", **changes}


def connected(api: Any, **changes: Any) -> dict[str, Any]:
    answer = api.post(STORES, body(**changes))
    assert answer.status_code == 201, answer.content
    row: dict[str, Any] = answer.json()
    return row


class TestConnecting:
    def test_of_an_organization(self, api: Any, acme: Organization) -> None:
        row = connected(api)
        assert_shape(row, SHAPE)
        assert (row["owner"], row["project"], row["access_mode"]) == (acme.pk, None, "owner_organization")
        assert (row["allow_read"], row["allow_write"], row["allow_uri_download"]) == (True, True, False)
        assert row["configuration"] == {"bucket": "ours", "region": "eu-west-1"}
        assert row["uri_prefix"] == "s3://ours/"
        assert api.get(row["url"]).json() == row
        store = DataStore.objects.get(pk=row["id"])
        assert settings_of(store) == S3
        with connection.cursor() as cursor:
            cursor.execute("SELECT credentials FROM datastores_datastore WHERE id = %s", [store.pk])
            assert SECRET not in cursor.fetchone()[0]

    def test_of_a_project(self, api: Any, project: Any) -> None:
        row = connected(api, owner=None, project=str(project.pk))
        assert (row["owner"], row["project"], row["access_mode"]) == (
            project.owner_id,
            str(project.pk),
            "single_project",
        )
        assert find_upload_store(project, "bucket") is not None
        assert find_upload_store(factories.make_project(owner=project.creator), "bucket") is None

    def test_owner_as_a_number_or_its_digits(self, api: Any, acme: Organization) -> None:
        assert (
            connected(api, owner=acme.pk)["owner"] == connected(api, owner=str(acme.pk))["owner"] == acme.pk
        )

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"configuration": {**S3, "bucket": ""}}, "configuration"),
            ({"configuration": {**S3, "access_key_id": ""}}, "configuration"),  # never the server's own rights
            ({"configuration": {**S3, "secret_access_key": ""}}, "configuration"),
            ({"configuration": {**S3, "no_such_key": "x"}}, "configuration"),
            ({"configuration": {**S3, "region": 7}}, "configuration"),
            ({"type": "ftp"}, "type"),
            ({"name": ""}, "name"),
            ({"name": "a\0b"}, "name"),
            ({"access_mode": "public"}, "access_mode"),
            ({"access_mode": "teams"}, "teams"),
            ({"access_mode": "single_project"}, "project"),
            ({"teams": ["no such team"], "access_mode": "teams"}, "teams"),
            ({"owner": "nobody"}, "owner"),
        ],
    )  # fmt: skip
    def test_refusals_name_the_field(self, api: Any, acme: Organization, changes: Any, field: str) -> None:
        answer = api.post(STORES, body(**changes))
        assert answer.status_code == 400
        assert field in answer.json()
        assert not DataStore.objects.filter(kind="s3").exists()

    def test_a_team_of_another_organization(self, api: Any, acme: Organization) -> None:
        foreign = factories.make_team(factories.make_organization("other"), "spies")
        answer = api.post(STORES, body(access_mode="teams", teams=[str(foreign.pk)]))
        assert answer.status_code == 400
        assert not DataStore.objects.filter(kind="s3").exists()

    def test_only_owners_connect(self, acme: Organization, member: User, charlie: User, project: Any) -> None:
        for user in (member, charlie):
            assert api_of(user).post(STORES, body()).status_code == 400
            assert api_of(user).post(STORES, body(owner=None, project=str(project.pk))).status_code == 404
        assert not DataStore.objects.filter(kind="s3").exists()


class TestChanging:
    def test_a_secret_that_is_left_out_stays(self, api: Any, acme: Organization) -> None:
        row = connected(api)
        answer = api.put(
            row["url"], {"name": "renamed", "configuration": {"bucket": "ours", "region": "eu-north-1"}}
        )
        assert answer.status_code == 200
        assert_shape(answer.json(), SHAPE)
        store = DataStore.objects.get(pk=row["id"])
        assert settings_of(store) == {**S3, "region": "eu-north-1"}
        assert store.name == "renamed"

    def test_secrets_do_not_follow_to_another_address(self, api: Any, acme: Organization) -> None:
        row = connected(api)
        moved = {"bucket": "ours", "endpoint_url": "https://collector.example.com"}
        answer = api.put(row["url"], {"configuration": moved})
        assert answer.status_code == 400
        assert settings_of(DataStore.objects.get(pk=row["id"])) == S3

    def test_restricting_to_teams(self, api: Any, acme: Organization, vision: Team, member: User) -> None:
        row = connected(api)
        outsider = factories.make_user("outsider")
        factories.make_organization("elsewhere", owners=(outsider,))
        other_member = factories.make_user("other-member")
        acme.memberships.create(user=other_member)
        changed = api.patch(row["url"], {"access_mode": "teams", "teams": [str(vision.pk)]}).json()
        assert changed["teams"] == [str(vision.pk)]
        seen_by = {
            user.username: api_of(user).get(row["url"]).status_code
            for user in (member, other_member, outsider)
        }
        assert seen_by == {"member": 200, "other-member": 404, "outsider": 404}
        team_project = factories.make_project(acme, team=vision)
        open_project = factories.make_project(acme)
        assert readable_by(team_project).filter(pk=row["id"]).exists()
        assert not readable_by(open_project).filter(pk=row["id"]).exists()

    def test_members_see_and_do_not_change(self, api: Any, acme: Organization, member: User) -> None:
        row = connected(api)
        theirs = api_of(member)
        assert theirs.get(row["url"]).status_code == 200
        for answer in (
            theirs.patch(row["url"], {"name": "mine"}),
            theirs.delete(row["url"]),
            theirs.post(f"{row['url']}test/"),
        ):
            assert answer.status_code == 403
        assert DataStore.objects.get(pk=row["id"]).name == "bucket"

    def test_letting_go(self, api: Any, acme: Organization, project: Any) -> None:
        row = connected(api)
        datum = factories.make_datum(project, store=DataStore.objects.get(pk=row["id"]))
        assert api.delete(row["url"]).status_code == 409
        Datum.objects.filter(pk=datum.pk).delete()
        assert api.delete(row["url"]).status_code == 204
        assert api.get(row["url"]).status_code == 404

    def test_every_change_is_in_the_audit_log_without_secrets(self, api: Any, acme: Organization) -> None:
        row = connected(api)
        api.patch(row["url"], {"configuration": {**S3, "secret_access_key": "another-s3cret"}})
        api.patch(row["url"], {"name": "bucket"})
        api.delete(row["url"])
        events = AuditEvent.objects.filter(target_kind="store").order_by("id")
        assert [event.kind for event in events] == ["store.connected", "store.changed", "store.disconnected"]
        assert all(event.owner_ids == [acme.pk] for event in events)
        told = str([(event.before, event.after) for event in events])
        assert "(secret)" in told
        assert "s3cret" not in told


def test_public_stores_can_be_forbidden(acme: Organization, superuser_api: Any) -> None:
    row = connected(superuser_api, access_mode="public")
    project = factories.make_project(acme)
    assert readable_by(project).filter(pk=row["id"]).exists()
    acme.forbid_public_stores = True
    acme.save()
    assert not readable_by(project).filter(pk=row["id"]).exists()


@pytest.mark.emulator
class TestAdopting:
    @pytest.fixture
    def store(self, all_emulators: Any, api: Any, project: Any) -> dict[str, Any]:
        settings = {k: v for k, v in all_emulators.get("s3").settings.items() if k != "sts_endpoint_url"}
        return connected(api, owner=None, project=str(project.pk), configuration=settings, allow_adopt=True)

    @pytest.fixture
    def folder(self, store: dict[str, Any]) -> str:
        place = object_store(DataStore.objects.get(pk=store["id"]))
        folder = f"adopt/{store['id']}"
        for name in ("a.csv", "b.csv", "deep/c.csv"):
            place.write(f"{folder}/{name}", name.encode())
        return f"{store['uri_prefix']}{folder}"

    def adopt(self, api: Any, store: Any, project: Any, url: str) -> Any:
        return api.post(f"{store['url']}adopt/", {"url": url, "project": str(project.pk)})

    def test_one_file(self, api: Any, store: Any, project: Any, folder: str) -> None:
        answer = self.adopt(api, store, project, f"{folder}/a.csv").json()
        datum = Datum.objects.get()
        assert answer == {"ok": True, "created": {f"{folder}/a.csv": str(datum.pk)}, "adoption": None}
        assert (datum.size_bytes, datum.is_adopted, str(datum.store_id)) == (5, True, store["id"])
        again = self.adopt(api, store, project, f"{folder}/a.csv")
        assert again.status_code == 400
        assert again.json()["code"] is None
        assert "already exists in bucket" in again.json()["message"]
        assert Datum.objects.count() == 1

    def test_a_file_that_is_not_there(self, api: Any, store: Any, project: Any, folder: str) -> None:
        for url in (f"{folder}/none", "s3://bucket-of-others/a", "nonsense"):
            answer = self.adopt(api, store, project, url)
            assert (answer.status_code, answer.json()["code"]) == (400, "adoptable_file_not_found")
        assert not Datum.objects.exists()

    def test_a_folder_is_adopted_in_the_background(
        self, api: Any, store: Any, project: Any, folder: str
    ) -> None:
        answer = self.adopt(api, store, project, f"{folder}/")
        assert answer.status_code == 202
        adoption = Adoption.objects.get()
        assert answer.json() == {"ok": True, "created": {}, "adoption": str(adoption.pk)}
        assert adoption.addresses == [f"{folder}/"]

    def test_where_it_is_not_allowed(self, api: Any, store: Any, project: Any, folder: str) -> None:
        api.patch(store["url"], {"allow_adopt": False})
        assert self.adopt(api, store, project, f"{folder}/a.csv").status_code == 403

    def test_purging_leaves_the_bytes(self, api: Any, store: Any, project: Any, folder: str) -> None:
        self.adopt(api, store, project, f"{folder}/a.csv")
        datum = Datum.objects.get()
        assert api.post(f"/api/v0/data/{datum.pk}/purge/").status_code == 200
        erase(datum.pk)
        assert object_store(DataStore.objects.get(pk=store["id"])).facts(datum.key) is not None

    def test_a_project_of_somebody_else(self, store: Any, folder: str, api: Any) -> None:
        foreign = factories.make_project()
        assert self.adopt(api, store, foreign, f"{folder}/a.csv").status_code == 404
        assert not Datum.objects.exists()
