"""Uploads that nobody finished, in stores that are away, and those that begin only in part."""

import json
from datetime import timedelta
from typing import Any

import pytest

from common import clock
from common.objectstores.s3 import S3Store
from common.objectstores.types import Problem, StoreProblem
from datastores import cleaning, objects
from datastores.models import DataStore, Datum
from datastores.opening import object_store
from datastores.services import mark_stored
from datastores.uploads import NewFile, reserve_uploads
from tests.datastores.test_stores_in_use import connect
from tests.support import factories
from tests.support.stores import Emulators

pytestmark = pytest.mark.django_db

LARGE = 70 * 1024 * 1024


@pytest.fixture
def away(project: Any) -> DataStore:
    """A store that nobody reaches."""
    return factories.make_store(
        name="away", kind="s3", is_default=False, project=project,
        configuration={"bucket": "b", "endpoint_url": "http://127.0.0.1:9"},
        credentials=json.dumps({"access_key_id": "AKIA", "secret_access_key": "s"}),
    )  # fmt: skip


def abandoned(project: Any, days: int = 2, **fields: Any) -> Datum:
    datum = factories.make_datum(project, stored_at=None, **fields)
    Datum.objects.filter(pk=datum.pk).update(created_at=clock.now() - timedelta(days=days))
    return datum


class TestInAStoreThatIsAway:
    @pytest.fixture
    def removals(self, away: DataStore, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Which files it was asked to remove; it refuses as long as `is_away`."""
        asked: list[Any] = []
        remove = objects.remove
        self.is_away = True

        def refuse(datum: Datum) -> None:
            asked.append(datum.pk)
            if datum.store_id == away.pk and self.is_away:
                raise StoreProblem(Problem.UNREACHABLE, "away")
            if datum.store_id != away.pk:
                remove(datum)

        monkeypatch.setattr(cleaning.objects, "remove", refuse)
        return asked

    def test_it_is_tried_again_and_others_do_not_wait(
        self, project: Any, away: DataStore, removals: list[Any]
    ) -> None:
        stuck = [abandoned(project, store=away) for _ in range(3)]
        other = abandoned(project)
        assert cleaning.remove_abandoned_uploads() == 1
        assert not Datum.objects.filter(pk=other.pk).exists()
        assert Datum.objects.filter(store=away).count() == 3
        assert sum(pk in {datum.pk for datum in stuck} for pk in removals) == 1  # it waits for it once
        self.is_away = False
        assert cleaning.remove_abandoned_uploads() == 3
        assert not Datum.objects.exists()

    def test_many_of_them_do_not_fill_the_round(
        self, project: Any, away: DataStore, removals: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cleaning, "_BATCH", 2)
        for _ in range(5):
            abandoned(project, store=away)
        other = abandoned(project)
        assert cleaning.remove_abandoned_uploads() == 1
        assert not Datum.objects.filter(pk=other.pk).exists()

    def test_what_was_given_up_becomes_no_file(
        self, project: Any, away: DataStore, removals: list[Any]
    ) -> None:
        datum = abandoned(project, store=away)
        cleaning.remove_abandoned_uploads()
        digests = {"md5": None, "sha1": None, "sha256": None}
        late = mark_stored(datum_id=datum.pk, size_bytes=8, file_modified_at=None, metadata={}, **digests)
        assert late is None
        datum.refresh_from_db()
        assert datum.stored_at is None

    def test_nobody_tries_for_ever(self, project: Any, away: DataStore, removals: list[Any]) -> None:
        abandoned(project, days=31, store=away)
        assert cleaning.remove_abandoned_uploads() == 1
        assert not Datum.objects.exists()

    def test_purged_files_are_another_matter(
        self, project: Any, away: DataStore, removals: list[Any]
    ) -> None:
        abandoned(project, store=away)
        cleaning.remove_abandoned_uploads()
        removals.clear()
        assert cleaning.erase_purged() == 0
        assert removals == []


@pytest.mark.emulator
class TestUploadsInParts:
    @pytest.fixture
    def store(self, all_emulators: Emulators, project: Any) -> DataStore:
        return connect(all_emulators.get("s3"), project)

    def started(self, store: DataStore) -> list[str]:
        place = object_store(store)
        assert isinstance(place, S3Store)
        found = place._client.list_multipart_uploads(Bucket=place._bucket, Prefix="data/")
        return [upload["Key"] for upload in found.get("Uploads", [])]

    def reserve(self, project: Any, store: DataStore) -> Any:
        files = [NewFile(f"{number}.bin", LARGE) for number in range(3)]
        return reserve_uploads(project=project, store=store, files=files, base_url="http://x")

    def test_all_begin(self, project: Any, store: DataStore) -> None:
        before = self.started(store)
        reservations = self.reserve(project, store)
        assert len(self.started(store)) == len(before) + 3
        for reservation in reservations:
            objects.remove(reservation.datum)

    def test_when_one_cannot_begin_none_is_left(
        self, project: Any, store: DataStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = self.started(store)
        begun = []
        start = S3Store.start_upload

        def fails_at_the_third(place: S3Store, key: str) -> str:
            if len(begun) == 2:
                raise StoreProblem(Problem.UNREACHABLE, "away")
            begun.append(start(place, key))
            return begun[-1]

        monkeypatch.setattr(S3Store, "start_upload", fails_at_the_third)
        with pytest.raises(StoreProblem):
            self.reserve(project, store)
        assert len(begun) == 2
        assert self.started(store) == before
        assert not Datum.objects.exists()
