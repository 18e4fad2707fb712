"""Packages of small files: planned, built in the background on real stores, through kills, purges and stores that are away."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import close_old_connections

from audit.models import AuditEvent
from common import clock
from common.objectstores import StoreProblem
from common.objectstores.filesystem import FilesystemStore
from common.objectstores.types import Problem
from datastores import cleaning
from datastores.background import erase_package
from datastores.datasets import services as dataset_services
from datastores.datasets.errors import DatasetForbidden
from datastores.datasets.packaging import (
    background,
    building,
    contents,
    dropping,
    lifecycle,
    planner,
    planning,
    reading,
    services,
)
from datastores.datasets.packaging.selectors import packaging_of
from datastores.datasets.services import NewVersion
from datastores.models import Dataset, DatasetPackage, DatasetVersion, DataStore, Datum
from datastores.opening import object_store
from datastores.services import purge_datum
from projects.services import delete_project
from tests.support import factories
from tests.support.stores import Emulators

pytestmark = pytest.mark.django_db

SECRET = {"secret_access_key", "service_account_json", "account_key", "password", "temp_url_key", "sas_token"}
CLOUDS = ("s3", "google", "azure", "swift")
CONTENT = {f"img/{number:03}.txt": b"%d" % number * number for number in range(30)}
Status = DatasetPackage.Status


@pytest.fixture
def dataset(project: Any) -> Dataset:
    return factories.make_dataset(project, name="images")


@pytest.fixture
def files(project: Any) -> list[Datum]:
    return [factories.make_datum(project, content, name=name) for name, content in CONTENT.items()]


@pytest.fixture
def version(dataset: Dataset, files: list[Datum]) -> DatasetVersion:
    return factories.make_dataset_version(dataset, *files, name="v1", wants_package=True)


@pytest.fixture
def package(version: DatasetVersion) -> DatasetPackage:
    planning.plan(version.pk)
    return version.packages.get()


@pytest.fixture
def ready(package: DatasetPackage) -> DatasetPackage:
    return built(package)


def built(package: DatasetPackage) -> DatasetPackage:
    assert building.build(package.pk)
    package.refresh_from_db()
    return package


def members(package: DatasetPackage) -> dict[str, bytes]:
    """By the name of the file."""
    content = b"".join(object_store(package.store).read(package.key))
    assert (len(content), hashlib.sha256(content).hexdigest()) == (package.size_bytes, package.sha256)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    return {Datum.objects.get(pk=name).name: data for name, data in found.items()}


def is_stored(package: DatasetPackage) -> bool:
    return object_store(package.store).facts(package.key) is not None


def alive(version: DatasetVersion) -> DatasetPackage:
    return version.packages.exclude(status=Status.DROPPED).get()


def audited() -> list[str]:
    rows = AuditEvent.objects.filter(kind__contains="packa").order_by("pk")
    return list(rows.values_list("kind", flat=True))


class TestPlanning:
    def test_small_files_go_together_and_large_ones_stay(
        self, monkeypatch: pytest.MonkeyPatch, dataset: Dataset, project: Any, files: list[Datum]
    ) -> None:
        large = factories.make_datum(project, name="large", size_bytes=planner.SMALL_BELOW_BYTES)
        version = factories.make_dataset_version(dataset, *files, large, wants_package=True)
        assert planning.plan(version.pk) == 1
        package = version.packages.get()
        assert (package.file_count, package.status) == (30, "waiting")
        assert contents.measure(package) == (package.file_count, package.size_bytes)
        assert planning.plan(version.pk) == 0, "once"

    def test_they_are_bounded_in_bytes_and_files(
        self, monkeypatch: pytest.MonkeyPatch, version: DatasetVersion
    ) -> None:
        monkeypatch.setattr(planner, "PACKAGE_BYTES", 10_000)
        monkeypatch.setattr(planner, "PACKAGE_FILES", 8)
        planning.plan(version.pk)
        packages = list(version.packages.order_by("first_file_id"))
        assert sum(package.file_count for package in packages) == 30
        assert all(package.size_bytes <= 10_000 and package.file_count <= 8 for package in packages)
        for package in packages:
            assert contents.measure(package) == (package.file_count, package.size_bytes)

    def test_files_of_two_stores_are_not_mixed(
        self, project: Any, dataset: Dataset, all_emulators: Emulators
    ) -> None:
        bucket = connect(all_emulators, "s3", project)
        datums = [
            factories.make_datum(project, name=f"{n:02}", store=bucket if n % 2 else None) for n in range(10)
        ]
        version = factories.make_dataset_version(dataset, *datums, wants_package=True)
        planning.plan(version.pk)
        found = {package.source_id: package for package in version.packages.all()}
        assert {package.file_count for package in found.values()} == {5}
        assert found[bucket.pk].store == bucket
        bucket.allow_write = False
        bucket.save()
        again = factories.make_dataset_version(dataset, *datums, wants_package=True)
        planning.plan(again.pk)
        assert all(package.store.is_default for package in again.packages.all()), "where outputs go"

    def test_nothing_to_pack(self, dataset: Dataset, project: Any) -> None:
        version = factories.make_dataset_version(dataset, factories.make_datum(project), wants_package=True)
        assert planning.plan(version.pk) == 0
        version.refresh_from_db()
        assert packaging_of(version).state == "nothing"

    def test_who_wants_none_gets_none(self, version: DatasetVersion) -> None:
        DatasetVersion.objects.filter(pk=version.pk).update(wants_package=False)
        assert planning.plan(version.pk) == 0
        version.refresh_from_db()
        assert packaging_of(version).state == "none"


class TestBuilding:
    def test_holds_every_file(self, ready: DatasetPackage, version: DatasetVersion) -> None:
        assert (ready.status, ready.attempts, ready.problem) == ("ready", 1, "")
        assert members(ready) == CONTENT
        version.refresh_from_db()
        found = packaging_of(version)
        assert (found.state, found.file_count, found.size_bytes) == ("ready", 30, ready.size_bytes)

    @pytest.mark.emulator
    @pytest.mark.parametrize("kind", CLOUDS)
    def test_in_parts_on_every_kind_of_store(
        self,
        kind: str,
        project: Any,
        dataset: Dataset,
        all_emulators: Emulators,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = connect(all_emulators, kind, project)
        data = {f"{number}.bin": bytes([number]) * 1_000_000 for number in range(12)}
        datums = [make_in(store, project, name, content) for name, content in data.items()]
        version = factories.make_dataset_version(dataset, *datums, wants_package=True)
        monkeypatch.setattr(building, "part_bytes_of", lambda store, size: 5 << 20)
        planning.plan(version.pk)
        package = built(version.packages.get())
        assert (package.status, package.problem, package.store) == ("ready", "", store)
        assert members(package) == data

    def test_the_same_files_are_the_same_bytes(self, ready: DatasetPackage, version: DatasetVersion) -> None:
        fresh = dropping.replace(ready, delay=timedelta())
        assert built(fresh).sha256 == ready.sha256
        assert fresh.key != ready.key

    def test_no_two_builders(self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch) -> None:
        complete = building._complete
        others: list[bool] = []

        def meanwhile(*arguments: Any) -> bool:
            others.append(building.build(package.pk))
            return complete(*arguments)

        monkeypatch.setattr(building, "_complete", meanwhile)
        assert built(package).status == "ready"
        assert others == [False]

    def test_not_too_many_at_once(
        self, package: DatasetPackage, dataset: Dataset, files: list[Datum]
    ) -> None:
        other = factories.make_dataset_version(dataset, *files, wants_package=True)
        planning.plan(other.pk)
        assert lifecycle.begin(package.pk, now=clock.now())
        assert not building.build(other.packages.get().pk)

    def test_memory_ahead_is_bounded(
        self, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch, files: list[Datum]
    ) -> None:
        monkeypatch.setattr(reading, "MOST_AHEAD_BYTES", 100)
        taken: list[Datum] = []

        def noted() -> Iterator[Datum]:
            for datum in files:
                taken.append(datum)
                yield datum

        ahead = []
        for datum, _ in reading.contents(files[0].store, noted()):
            done = files.index(datum)
            ahead.append(sum(one.size_bytes for one in taken[done + 1 : -1]))
        assert max(ahead) <= 100 + max(len(content) for content in CONTENT.values())
        assert len(ahead) == 30


def make_in(store: DataStore, project: Any, name: str, content: bytes) -> Datum:
    datum = factories.make_datum(project, content, name=name, store=store)
    object_store(store).write(datum.key, content)
    return datum


def connect(emulators: Emulators, kind: str, project: Any) -> DataStore:
    settings = emulators.get(kind).settings
    return DataStore.objects.create(
        name="ours",
        kind=kind,
        project=project,
        configuration={name: value for name, value in settings.items() if name not in SECRET},
        credentials=json.dumps({name: value for name, value in settings.items() if name in SECRET}),
    )


class Killed(BaseException):
    pass


class TestCrashes:
    def kill_while_writing(self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch) -> None:
        """As SIGKILL does: nothing after it runs, not even what tidies up."""

        def killed(*arguments: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(building.PartsWriter, "finish", killed)
            patch.setattr(building, "_abandon", lambda *arguments: None)
            with pytest.raises(Killed):
                building.build(package.pk)

    def test_it_is_built_anew_by_the_next(
        self, package: DatasetPackage, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.kill_while_writing(package, monkeypatch)
        package.refresh_from_db()
        assert package.status == "building"
        assert planning.replace_stalled(clock.now()) == 0, "it may be at work"
        assert planning.replace_stalled(clock.now() + planning.STALLED_AFTER * 2) == 1
        package.refresh_from_db()
        fresh = alive(version)
        assert (package.status, fresh.status, fresh.attempts) == ("dropped", "waiting", 1)
        assert members(built(fresh)) == CONTENT

    def test_a_builder_that_comes_back_from_the_dead_writes_to_where_nobody_looks(
        self, package: DatasetPackage, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finish = building.PartsWriter.finish

        with monkeypatch.context() as patch:

            def slept(writer: Any) -> str:
                patch.undo()
                planning.replace_stalled(clock.now() + planning.STALLED_AFTER * 2)
                built(alive(version))
                return finish(writer)

            patch.setattr(building.PartsWriter, "finish", slept)
            assert building.build(package.pk)
        package.refresh_from_db()
        assert package.status == "dropped"
        assert not is_stored(package)
        assert members(alive(version)) == CONTENT

    def test_one_that_no_builder_survives_is_given_up(
        self, package: DatasetPackage, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(lifecycle.MOST_ATTEMPTS):
            self.kill_while_writing(alive(version), monkeypatch)
            planning.replace_stalled(clock.now() + planning.STALLED_AFTER * 2)
        assert alive(version).status == "failed"
        assert "again and again" in alive(version).problem

    def test_what_was_ready_before_is_not_built_again(
        self, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(planner, "PACKAGE_FILES", 10)
        planning.plan(version.pk)
        first, second, _ = version.packages.order_by("first_file_id")
        built(first)
        self.kill_while_writing(second, monkeypatch)
        planning.replace_stalled(clock.now() + planning.STALLED_AFTER * 2)
        while (following := planning.next_package(clock.now())) is not None:
            building.build(following)
        assert [row.status for row in version.packages.exclude(status="dropped")] == ["ready"] * 3
        first.refresh_from_db()
        assert first.attempts == 1

    def test_tasks_that_the_broker_lost_are_handed_over_again(
        self, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handed: list[Any] = []
        for task in (background.plan_packages, background.build_next):
            monkeypatch.setattr(
                task, "apply_async", lambda args=(), task=task, **_: handed.append((task, *args))
            )
        background.continue_packaging()
        assert handed == [(background.plan_packages, str(version.pk)), (background.build_next,)]
        background.plan_packages(str(version.pk))
        background.build_next()
        assert alive(version).status == "ready"
        handed.clear()
        background.continue_packaging()
        assert handed == [(background.build_next,)]


class TestStoresThatFail:
    def away(
        self, monkeypatch: pytest.MonkeyPatch, method: str, problem: Problem = Problem.UNREACHABLE
    ) -> None:
        def refuse(*arguments: Any, **options: Any) -> Any:
            raise StoreProblem(problem, "Nobody answers.")

        monkeypatch.setattr(FilesystemStore, method, refuse)

    @pytest.mark.parametrize("method", ["read", "write"])
    def test_one_that_is_away_is_asked_again_later_and_not_for_ever(
        self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        pauses = []
        with monkeypatch.context() as patch:
            self.away(patch, method)
            for _ in range(lifecycle.MOST_ATTEMPTS):
                assert not pauses or not building.build(package.pk), "not before its time"
                DatasetPackage.objects.update(not_before=clock.now())
                built(package)
                pauses.append(package.not_before - clock.now())
        assert (package.status, package.problem) == ("failed", "Nobody answers.")
        assert timedelta(minutes=1) > pauses[0] > timedelta(seconds=50)
        assert pauses[3] > timedelta(minutes=7)

    def test_it_goes_on_when_the_store_is_back(
        self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            self.away(patch, "read")
            built(package)
        assert (package.status, package.problem) == ("waiting", "Nobody answers.")
        DatasetPackage.objects.update(not_before=clock.now())
        assert members(built(package)) == CONTENT
        assert package.problem == ""

    def test_away_in_the_middle_of_an_upload_leaves_no_part(
        self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "part_bytes_of", lambda store, size: 4096)
        write_part, sent = FilesystemStore.write_part, []

        def write(store: Any, key: str, **part: Any) -> Any:
            if len(sent) == 2:
                raise StoreProblem(Problem.UNREACHABLE, "Nobody answers.")
            sent.append(part["upload_id"])
            return write_part(store, key, **part)

        with monkeypatch.context() as patch:
            patch.setattr(FilesystemStore, "write_part", write)
            built(package)
        assert package.status == "waiting"
        assert not is_stored(package)
        DatasetPackage.objects.update(not_before=clock.now())
        assert members(built(package)) == CONTENT

    def test_parts_that_cannot_be_removed_are_not_forgotten(
        self, package: DatasetPackage, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "part_bytes_of", lambda store, size: 4096)
        with monkeypatch.context() as patch:
            self.away(patch, "write_part")
            self.away(patch, "abandon_upload")
            built(package)
        fresh = alive(version)
        assert (package.status, bool(package.upload_id)) == ("dropped", True)
        assert (fresh.status, fresh.attempts, fresh.problem) == ("waiting", 1, "Nobody answers.")
        assert fresh.not_before > clock.now()
        assert planning.erasable() == [package.pk]
        DatasetPackage.objects.update(not_before=clock.now())
        assert members(built(fresh)) == CONTENT

    def test_one_that_refuses_fails_at_once(
        self, package: DatasetPackage, version: DatasetVersion, alice: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            self.away(patch, "write", Problem.PERMISSION)
            built(package)
        assert (package.status, package.attempts) == ("failed", 1)
        version.refresh_from_db()
        assert packaging_of(version).problem == "Nobody answers."
        services.request_packages(version=version, actor=alice)
        package.refresh_from_db()
        assert package.status == "waiting"
        assert built(package).status == "ready"

    def test_a_file_that_is_not_there(self, package: DatasetPackage, files: list[Datum]) -> None:
        default_storage.delete(files[7].key)
        built(package)
        assert package.status == "failed"
        assert "is not in the store" in package.problem

    def test_a_file_that_changed(self, package: DatasetPackage, files: list[Datum]) -> None:
        object_store(files[7].store).write(files[7].key, b"8888888")
        built(package)
        assert (package.status, package.problem) == (
            "failed",
            "'img/007.txt' has no longer the content that was stored: its sha256 differs. Make a version without it.",
        )
        object_store(files[7].store).write(files[7].key, b"7" * 100_000_000)
        DatasetPackage.objects.update(status="waiting")
        assert "has no longer the 7 bytes" in built(package).problem


class TestPurging:
    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> None:
        monkeypatch.setattr(erase_package, "apply_async", lambda args, **_: erase_package(*args))
        self.committed = django_capture_on_commit_callbacks

    def purge(self, datum: Datum) -> None:
        with self.committed(execute=True):
            purge_datum(datum=datum, actor=datum.project.creator)

    def test_the_package_goes_with_the_file_and_comes_back_without_it(
        self, ready: DatasetPackage, version: DatasetVersion, files: list[Datum]
    ) -> None:
        self.purge(files[3])
        assert not is_stored(ready)
        assert not DatasetPackage.objects.filter(pk=ready.pk).exists()
        fresh = alive(version)
        assert fresh.status == "waiting"
        assert fresh.not_before > clock.now() + timedelta(minutes=5), "others may be purged, too"
        DatasetPackage.objects.update(not_before=clock.now())
        assert members(built(fresh)) == {k: v for k, v in CONTENT.items() if k != "img/003.txt"}

    def test_only_the_package_that_holds_it(
        self, version: DatasetVersion, files: list[Datum], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(planner, "PACKAGE_FILES", 10)
        planning.plan(version.pk)
        for package in version.packages.all():
            built(package)
        self.purge(files[15])
        statuses = version.packages.order_by("first_file_id").values_list("status", flat=True)
        assert list(statuses) == ["ready", "waiting", "ready"]

    def test_of_every_version_that_has_the_file(
        self, ready: DatasetPackage, dataset: Dataset, files: list[Datum]
    ) -> None:
        other = factories.make_dataset_version(dataset, *files[:5], wants_package=True)
        planning.plan(other.pk)
        built(other.packages.get())
        self.purge(files[4])
        assert not DatasetPackage.objects.filter(status="ready").exists()

    def test_while_it_is_built(
        self,
        package: DatasetPackage,
        version: DatasetVersion,
        files: list[Datum],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        complete = building._complete

        def purged(*arguments: Any) -> bool:
            self.purge(files[3])
            return complete(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(building, "_complete", purged)
            assert building.build(package.pk)
        assert not is_stored(package)
        assert alive(version).status == "waiting"
        assert alive(version).pk != package.pk

    def test_while_it_is_read(
        self,
        package: DatasetPackage,
        version: DatasetVersion,
        files: list[Datum],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        read = reading._read

        def purged(store: DataStore, datum: Datum) -> bytes:
            if datum.name == "img/020.txt":
                default_storage.delete(datum.key)
            return read(store, datum)

        files[20].purged_at = clock.now()
        monkeypatch.setattr(reading, "_read", purged)
        datums = building._datums

        def with_purge(package: DatasetPackage) -> Iterable[Datum]:
            for datum in datums(package):
                if datum.name == "img/010.txt":
                    self.purge(files[20])
                yield datum

        monkeypatch.setattr(building, "_datums", with_purge)
        assert building.build(package.pk)
        assert not is_stored(package)
        assert alive(version).status == "waiting"

    def test_between_two_pages_of_its_files(
        self,
        package: DatasetPackage,
        version: DatasetVersion,
        files: list[Datum],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Nothing is missing in the store yet, but it is not listed any more."""
        monkeypatch.setattr(building, "_PAGE", 5)
        monkeypatch.setattr(building._Heartbeat, "say", lambda *arguments, **facts: None)
        blocks = building._blocks

        def with_purge(*arguments: Any) -> Iterator[bytes]:
            for number, block in enumerate(blocks(*arguments)):
                if number == 0:
                    self.purge(files[29])
                yield block

        monkeypatch.setattr(building, "_blocks", with_purge)
        monkeypatch.setattr(reading, "MOST_AHEAD", 1)
        assert building.build(package.pk)
        assert not is_stored(package)
        assert alive(version).status == "waiting"

    def test_planned_while_the_purge_was_on_its_way(
        self, version: DatasetVersion, files: list[Datum]
    ) -> None:
        """The plan saw the file, the purge did not see the plan."""
        planning.plan(version.pk)
        Datum.objects.filter(pk=files[3].pk).update(purged_at=clock.now())
        package = built(alive(version))
        assert "img/003.txt" not in members(package)

    def test_finished_before_anybody_told(
        self, version: DatasetVersion, files: list[Datum], ready: DatasetPackage
    ) -> None:
        Datum.objects.filter(pk=files[3].pk).update(purged_at=clock.now())
        with self.committed(execute=True):
            cleaning.erase(files[3].pk)
        assert not is_stored(ready)

    def test_retention_keeps_what_is_in_a_version(self, ready: DatasetPackage) -> None:
        from datastores.keeping import not_held

        assert not not_held(Datum.objects.filter(name__startswith="img/")).exists()

    def test_a_project_that_is_deleted_takes_its_files_along(
        self, alice: Any, project: Any, dataset: Dataset, files: list[Datum]
    ) -> None:
        other = factories.make_project(alice)
        theirs = [factories.make_datum(other, b"theirs", name=f"theirs/{n}") for n in range(3)]
        version = factories.make_dataset_version(dataset, *files, *theirs, wants_package=True)
        planning.plan(version.pk)
        package = built(version.packages.get())
        with self.committed(execute=True):
            delete_project(project=other, actor=alice)
        assert not is_stored(package)
        DatasetPackage.objects.update(not_before=clock.now())
        assert members(built(alive(version))) == CONTENT

    def test_a_project_that_goes_to_another_owner_is_noticed(
        self, ready: DatasetPackage, project: Any, version: DatasetVersion
    ) -> None:
        assert planning.drop_what_lost_files() == 0
        project.owner = factories.make_user().owner
        project.save()
        with self.committed(execute=True):
            assert planning.drop_what_lost_files() == 1
        assert not is_stored(ready)
        built(alive(version))
        assert not version.packages.exclude(status="dropped").exists(), "there is nothing left to pack"

    def test_a_deleted_dataset_has_no_packages(
        self, ready: DatasetPackage, dataset: Dataset, alice: Any
    ) -> None:
        with self.committed(execute=True):
            dataset_services.delete_dataset(dataset=dataset, actor=alice)
        assert not is_stored(ready)
        assert not DatasetPackage.objects.exists()

    def test_a_store_that_is_away_is_asked_again(
        self, ready: DatasetPackage, version: DatasetVersion, alice: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase_package, "apply_async", lambda args, **_: None)
        with self.committed(execute=True):
            services.remove_packages(version=version, actor=alice)
        assert is_stored(ready)
        assert planning.erasable() == [ready.pk]
        erase_package(str(ready.pk))
        assert not is_stored(ready)
        assert planning.erasable() == []

    def test_a_half_upload_is_abandoned_and_looked_for_again_a_day_later(
        self, package: DatasetPackage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "part_bytes_of", lambda store, size: 4096)
        TestCrashes().kill_while_writing(package, monkeypatch)
        with self.committed(execute=True):
            planning.replace_stalled(clock.now() + planning.STALLED_AFTER * 2)
        package.refresh_from_db()
        assert package.upload_id
        object_store(package.store).write(package.key, b"written by the dead")
        DatasetPackage.objects.filter(pk=package.pk).update(dropped_at=clock.now() - timedelta(days=2))
        erase_package(str(package.pk))
        assert not is_stored(package)
        assert not DatasetPackage.objects.filter(pk=package.pk).exists()

    def test_objects_of_packages_are_no_orphans(
        self, ready: DatasetPackage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cleaning, "ORPHANED_AFTER", timedelta(seconds=-1))
        cleaning.remove_orphans()
        assert is_stored(ready)
        DatasetPackage.objects.all().delete()
        cleaning.remove_orphans()
        assert not is_stored(ready)


class TestAsking:
    def test_a_version_that_wants_packages_gets_them(
        self,
        dataset: Dataset,
        files: list[Datum],
        alice: Any,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        monkeypatch.setattr(
            background.plan_packages, "apply_async", lambda args, **_: background.plan_packages(*args)
        )
        monkeypatch.setattr(background.build_next, "apply_async", lambda **_: background.build_next())
        new = NewVersion("v1", [datum.pk for datum in files], wants_package=True)
        with django_capture_on_commit_callbacks(execute=True):
            version = dataset_services.create_version(dataset=dataset, actor=alice, new=new)
        assert members(version.packages.get()) == CONTENT

    def test_later_for_one_that_is_there(self, dataset: Dataset, files: list[Datum], alice: Any) -> None:
        version = factories.make_dataset_version(dataset, *files)
        for _ in range(2):
            services.request_packages(version=version, actor=alice)
        assert audited() == ["dataset_version.packages_requested"]
        assert planning.unplanned_versions() == [version.pk]
        planning.plan(version.pk)
        built(version.packages.get())
        services.remove_packages(version=version, actor=alice)
        version.refresh_from_db()
        assert packaging_of(version).state == "none"
        services.request_packages(version=version, actor=alice)
        assert planning.plan(version.pk) == 1

    def test_takes_the_right_to_change_the_dataset(
        self, version: DatasetVersion, project: Any, charlie: Any
    ) -> None:
        viewer = factories.make_user("viewer")
        factories.make_collaborator(project, viewer, is_read_only=True)
        for actor in (viewer, charlie):
            for service in (services.request_packages, services.remove_packages):
                with pytest.raises(DatasetForbidden):
                    service(version=version, actor=actor)
        assert audited() == []


@pytest.mark.django_db(transaction=True)
def test_two_builders_race_for_one_package(version: DatasetVersion) -> None:
    planning.plan(version.pk)
    package = version.packages.get()
    start, done = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        try:
            done.append(building.build(package.pk))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]
    package.refresh_from_db()
    assert (package.status, package.attempts) == ("ready", 1)
    assert members(package) == CONTENT
