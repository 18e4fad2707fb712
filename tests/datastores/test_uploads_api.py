"""Files that come in by the API: reserved, sent, and checked before they count."""

import hashlib
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from datastores.models import Datum
from tests.datastores.data_api import DATA, names
from tests.support import factories

pytestmark = pytest.mark.django_db


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


def test_objects_have_opaque_names(api: Any, project: Any) -> None:
    body = {"project": str(project.pk), "name": "secret plans/x.txt", "size": 1}
    datum = Datum.objects.get(pk=api.post(f"{DATA}uploads/", body).json()["datum_id"])
    assert datum.key == f"data/{project.pk}/{datum.pk}"
    default_storage.save(datum.key, ContentFile(b"x"))
    default_storage.delete(datum.key)
