"""Storing, purging and cleaning up, as workers and time see it."""

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from common import clock
from common.errors import DomainError
from common.files.requests import incoming_folder
from common.ids import new_id
from datastores import background, cleaning
from datastores.inputs import input_files, resolve_input_uri
from datastores.models import DataStore, Datum, DatumAlias
from datastores.selectors import (
    default_store,
    find_upload_store,
    get_or_create_default_store,
)
from datastores.services import mark_stored, purge_datum
from datastores.uploads import NewFile, reserve_uploads
from organizations.access import Forbidden
from tests.support import factories

pytestmark = pytest.mark.django_db

EXECUTION = UUID("01744e18-c8cf-4ed9-0a44-412f65b0f224")


def reserve(project: Any, name: str = "out.txt", **fields: Any) -> Datum:
    values = {"execution": (EXECUTION, 3), **fields}
    [reserved] = reserve_uploads(
        project=project,
        store=get_or_create_default_store(),
        files=[NewFile(name, 5)],
        base_url="http://x",
        **values,
    )
    return reserved.datum


def store(datum: Datum, metadata: Any = None, **fields: Any) -> Datum | None:
    digests = {"md5": "0" * 32, "sha1": "1" * 40, "sha256": "2" * 64}
    values = {"size_bytes": 5, "file_modified_at": None, **digests, **fields}
    return mark_stored(datum_id=datum.pk, metadata=metadata or {}, **values)


class TestStoring:
    def test_writes_what_the_worker_says(self, project: Any) -> None:
        datum = reserve(project)
        stored = store(datum, {"valohai.tags": ["a", "b", "a"], "valohai.alias": "newest", "quality": "good"})
        assert stored is not None
        stored.refresh_from_db()
        assert (stored.size_bytes, stored.sha256) == (5, "2" * 64)
        assert (stored.tags, stored.properties) == (["a", "b"], {"quality": "good"})
        assert stored.stored_at
        assert DatumAlias.objects.get().datum == stored
        assert stored.metadata_errors == []

    def test_content_is_written_once_and_metadata_adds_up(self, project: Any) -> None:
        datum = reserve(project)
        store(datum, {"a": 1})
        first = Datum.objects.get()
        store(datum, {"b": 2, "valohai.tags": ["late"]}, size_bytes=99, sha256="9" * 64)
        second = Datum.objects.get()
        assert (second.size_bytes, second.sha256, second.stored_at) == (5, "2" * 64, first.stored_at)
        assert (second.properties, second.tags) == ({"a": 1, "b": 2}, ["late"])

    def test_an_alias_moves_from_run_to_run(self, project: Any) -> None:
        first, second = reserve(project), reserve(project)
        store(first, {"valohai.alias": "Newest"})
        store(second, {"valohai.alias": ["newest"]})
        assert DatumAlias.objects.get().datum == second

    @pytest.mark.parametrize(
        "metadata",
        [
            {"valohai.tags": "not a list, but one text"}, {"valohai.tags": [1, 2]}, {"valohai.tags": [""]},
            {"valohai.alias": ["a", "b"]}, {"valohai.alias": {"a": 1}}, {"valohai.alias": "a/b"},
            {"valohai.alias": str(EXECUTION)}, {"huge": "x" * 300_000},
        ],
        ids=str,
    )  # fmt: skip
    def test_wrong_metadata_is_told_and_does_not_lose_the_file(self, project: Any, metadata: Any) -> None:
        stored = store(reserve(project), {"fine": True, **metadata})
        assert stored is not None
        assert stored.stored_at
        assert not DatumAlias.objects.exists()
        assert stored.metadata_errors or stored.tags == ["not a list, but one text"]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), "a\0b", "\ud800", [[[]]], None, 10**400])
    def test_whatever_json_a_run_writes_can_be_stored(self, project: Any, value: Any) -> None:
        assert store(reserve(project), {"value": value}) is not None
        assert "value" in Datum.objects.get().properties

    def test_nested_without_end(self, project: Any) -> None:
        value: Any = []
        for _ in range(100_000):
            value = [value]
        stored = store(reserve(project), {"value": value})
        assert stored is not None
        assert stored.metadata_errors

    def test_checksums_that_are_none(self, project: Any) -> None:
        stored = store(reserve(project), md5="nonsense", sha1=None, sha256="F" * 64)
        assert stored is not None
        assert (stored.md5, stored.sha1, stored.sha256) == (None, None, "f" * 64)

    def test_what_was_never_reserved(self) -> None:
        assert mark_stored(
            datum_id=uuid4(), size_bytes=1, md5=None, sha1=None, sha256=None, file_modified_at=None, metadata={}
        ) is None  # fmt: skip


class TestInputs:
    @pytest.fixture
    def datum(self, project: Any) -> Datum:
        datum = factories.make_datum(project, name="a/b.csv", properties={"x": 1})
        DatumAlias.objects.create(project=project, name="Best", datum=datum)
        return datum

    def test_aliases_become_what_they_point_to_now(self, project: Any, datum: Datum) -> None:
        for uri in (f"datum://{datum.pk}", "datum://best", " datum://BEST ", f"datum://{datum.pk.hex}"):
            assert resolve_input_uri(project, uri) == f"datum://{datum.pk}"

    @pytest.mark.parametrize("uri", ["http://h/x", "https://u:p@h:8/x?y#z", "HTTPS://h/x", "http://[::1]/x"])
    def test_web_addresses_stay(self, project: Any, uri: str) -> None:
        assert resolve_input_uri(project, uri) == uri

    @pytest.mark.parametrize(
        "uri",
        ["oci://b/k", "model://a/1", "file:///etc/passwd",
         "/etc/passwd", "", "http://", "http:///x", "http://[::1", "ftp://h/x", "https://h /x", "javascript:alert(1)"],
    )  # fmt: skip
    def test_others_are_refused_naming_what_works(self, project: Any, uri: str) -> None:
        with pytest.raises(DomainError) as refused:
            resolve_input_uri(project, uri)
        assert refused.value.field == "inputs"
        for supported in ("datum://<id>", "datum://<alias>", "http://", "https://"):
            assert supported in refused.value.message

    @pytest.mark.parametrize(
        "uri", ["datum://worst", f"datum://{EXECUTION}", "datum://", "datum://a\0", "datum://%"]
    )
    def test_what_is_not_there(self, project: Any, datum: Datum, uri: str) -> None:
        with pytest.raises(DomainError, match="names no file of this project") as refused:
            resolve_input_uri(project, uri)
        assert refused.value.field == "inputs"

    def test_files_of_other_projects_are_not_there(self, alice: Any, project: Any, datum: Datum) -> None:
        other = factories.make_project(alice)
        for uri in (f"datum://{datum.pk}", "datum://best"):
            with pytest.raises(DomainError, match="names no file"):
                resolve_input_uri(other, uri)
            with pytest.raises(DomainError, match="names no file"):
                input_files(other, uri, "http://x")

    def test_purged_and_unfinished_ones(self, project: Any, datum: Datum) -> None:
        Datum.objects.update(purged_at=clock.now())
        with pytest.raises(DomainError, match="purged"):
            resolve_input_uri(project, "datum://best")
        Datum.objects.update(stored_at=None)
        with pytest.raises(DomainError, match="names no file"):
            resolve_input_uri(project, "datum://best")

    def test_for_a_worker(self, project: Any, datum: Datum) -> None:
        [file] = input_files(project, f"datum://{datum.pk}", "http://host:1")
        assert (file.filename, file.size, file.sha256) == ("a/b.csv", datum.size_bytes, datum.sha256)
        assert file.url.startswith("http://host:1/files/")
        assert file.metadata == [{"x": 1}]
        [web] = input_files(project, "https://h/a%20b/c%20d.csv?q=1", "http://host:1")
        assert (web.filename, web.url, web.datum_id) == ("c d.csv", "https://h/a%20b/c%20d.csv?q=1", None)
        assert input_files(project, "https://h", "http://host:1")[0].filename == "file"


class TestStores:
    def test_the_default_is_made_once(self, project: Any) -> None:
        assert default_store(project) == default_store(project) == get_or_create_default_store()
        assert DataStore.objects.count() == 1

    def test_only_those_that_can_take_files_are_used(self, alice: Any, project: Any) -> None:
        default = get_or_create_default_store()
        make = factories.make_store
        own = make(name="own", is_default=False, project=project)
        full = make(name="full", is_default=False, project=project, allow_write=False)
        cloud = make(name="cloud", is_default=False, project=project, kind="s3")
        foreign = make(
            name="foreign", is_default=False, project=factories.make_project(), access_mode="single_project"
        )
        assert find_upload_store(project, "own") == find_upload_store(project, str(own.pk)) == own
        assert find_upload_store(project, "cloud") == cloud
        for unusable in (full, foreign):
            assert find_upload_store(project, unusable.name) is None
            project.upload_store_id = unusable.pk
            assert default_store(project) == default
        project.upload_store_id = own.pk
        assert default_store(project) == own


class TestPurging:
    def test_bytes_go_after_the_commit(
        self, alice: Any, project: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        datum = factories.make_datum(project)
        with django_capture_on_commit_callbacks(execute=True):
            purge_datum(datum=datum, actor=alice)
            assert default_storage.exists(datum.key)
        background.erase_datum(str(datum.pk))
        assert not default_storage.exists(datum.key)
        erased_at = Datum.objects.get().erased_at
        assert erased_at
        background.erase_datum(str(datum.pk))
        assert Datum.objects.get().erased_at == erased_at

    def test_undone_purges_keep_the_bytes(self, alice: Any, project: Any) -> None:
        datum = factories.make_datum(project)
        try:
            with transaction.atomic():
                purge_datum(datum=datum, actor=alice)
                raise KeyError
        except KeyError:
            pass
        background.erase_datum(str(datum.pk))
        assert default_storage.exists(datum.key)

    def test_what_the_broker_never_heard_of_is_erased_later(self, alice: Any, project: Any) -> None:
        datum = factories.make_datum(project)
        purge_datum(datum=datum, actor=alice)
        background.clean_abandoned_uploads()
        assert not default_storage.exists(datum.key)
        assert Datum.objects.get().erased_at

    def test_one_that_cannot_be_erased_does_not_hold_up_the_others(self, alice: Any, project: Any) -> None:
        stuck, other = factories.make_datum(project), factories.make_datum(project)
        Datum.objects.filter(pk=stuck.pk).update(key="../outside")
        for datum in (stuck, other):
            purge_datum(datum=datum, actor=alice)
        assert cleaning.erase_purged() == 1
        assert not default_storage.exists(other.key)

    def test_needs_more_than_looking(self, project: Any) -> None:
        viewer = factories.make_user()
        factories.make_collaborator(project, viewer, is_read_only=True)
        datum = factories.make_datum(project)
        with pytest.raises(Forbidden):
            purge_datum(datum=datum, actor=viewer)
        assert Datum.objects.get().purged_at is None


class TestCleaning:
    def aged(self, datum: Datum, **age: Any) -> Datum:
        Datum.objects.filter(pk=datum.pk).update(created_at=clock.now() - timedelta(**age))
        return datum

    def test_abandoned_uploads_go_with_what_arrived(self, project: Any) -> None:
        fresh = self.aged(reserve(project, execution=None), hours=23)
        old = self.aged(reserve(project, execution=None), hours=25)
        default_storage.save(old.key, ContentFile(b"half"))
        stored = reserve(project, execution=None)
        store(stored)
        self.aged(stored, days=100)
        assert cleaning.remove_abandoned_uploads() == 1
        assert set(Datum.objects.values_list("pk", flat=True)) == {fresh.pk, stored.pk}
        assert not default_storage.exists(old.key)

    def test_outputs_wait_for_an_ingest_that_is_away(self, project: Any) -> None:
        waiting, old = self.aged(reserve(project), days=6), self.aged(reserve(project), days=8)
        assert cleaning.remove_abandoned_uploads() == 1
        assert list(Datum.objects.all()) == [waiting]
        assert old.pk != waiting.pk

    def test_objects_without_a_record_go_after_a_day(self, project: Any) -> None:
        kept = factories.make_datum(project)
        known = reserve(project)
        default_storage.save(known.key, ContentFile(b"known"))
        orphans = [f"data/{project.pk}/{new_id()}" for _ in range(2)]
        for key in (*orphans, f"data/{project.pk}/notes.txt"):
            default_storage.save(key, ContentFile(b"orphan"))
        yesterday = time.time() - 25 * 3600
        for key in (orphans[0], known.key, f"data/{project.pk}/notes.txt"):
            os.utime(default_storage.path(key), (yesterday, yesterday))
        assert cleaning.remove_orphans() == 1
        assert not default_storage.exists(orphans[0])
        for key in (orphans[1], known.key, kept.key, f"data/{project.pk}/notes.txt"):
            assert default_storage.exists(key)

    def test_uploads_of_killed_processes_go_after_a_day(self) -> None:
        folder = incoming_folder()
        folder.mkdir(parents=True, exist_ok=True)
        old, fresh = Path(folder, "old"), Path(folder, "fresh")
        old.write_bytes(b"x")
        fresh.write_bytes(b"x")
        yesterday = time.time() - 25 * 3600
        os.utime(old, (yesterday, yesterday))
        background.clean_abandoned_uploads()
        assert (old.exists(), fresh.exists()) == (False, True)
        fresh.unlink()

    def test_large_uploads_get_their_checksums_later(self, project: Any) -> None:
        datum = factories.make_datum(project, b"large", md5=None, sha1=None, sha256=None)
        background.add_checksums(str(datum.pk))
        assert Datum.objects.get().sha256 == hashlib.sha256(b"large").hexdigest()
