"""Adopting in the background: folders, wildcards and lists of addresses, on real emulators, through kills and refusals."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from audit.models import AuditEvent
from common import clock
from common.errors import DomainError
from common.ids import new_id
from common.objectstores import ObjectFacts, ObjectStore, StoreProblem
from common.objectstores.types import Problem
from datastores import background, objects
from datastores.adoption import lifecycle, running, services
from datastores.adoption.selectors import results_of
from datastores.models import Adoption, AdoptionResult, DataStore, Datum
from datastores.opening import object_store
from organizations.access import Forbidden
from tests.support import factories
from tests.support.stores import Emulators

pytestmark = [pytest.mark.django_db, pytest.mark.emulator]

SECRET = {"secret_access_key", "service_account_json", "account_key", "password", "temp_url_key", "sas_token"}
CLOUDS = ("s3", "google", "azure", "swift")


def connect(emulators: Emulators, kind: str, project: Any) -> DataStore:
    settings = emulators.get(kind).settings
    return DataStore.objects.create(
        name="ours",
        kind=kind,
        project=project,
        allow_adopt=True,
        configuration={name: value for name, value in settings.items() if name not in SECRET},
        credentials=json.dumps({name: value for name, value in settings.items() if name in SECRET}),
    )


@pytest.fixture
def store(project: Any, all_emulators: Emulators) -> DataStore:
    return connect(all_emulators, "s3", project)


@pytest.fixture
def folder(store: DataStore) -> str:
    """Seven files below a folder that no other test has, and its address."""
    return fill(
        store, f"adoptions/{store.pk}", [f"{number}.csv" for number in range(5)] + ["deep/a.csv", "b.md"]
    )


def fill(store: DataStore, key: str, names: list[str]) -> str:
    place = object_store(store)
    for name in names:
        place.write(f"{key}/{name}", name.encode())
    return place.uri(f"{key}/")


def start(project: Any, store: DataStore, *addresses: str, actor: Any = None) -> Adoption:
    return services.start(
        project=project, store=store, actor=actor or project.creator, addresses=list(addresses)
    )


def finish(adoption: Adoption) -> Adoption:
    while running.run_slice(adoption.pk):
        pass
    adoption.refresh_from_db()
    return adoption


def kinds_of_audit_rows() -> list[str]:
    rows = AuditEvent.objects.filter(kind__startswith="adoption.").order_by("pk")
    return list(rows.values_list("kind", flat=True))


class TestWhatIsAdopted:
    @pytest.mark.parametrize("kind", CLOUDS)
    def test_a_folder_of_every_kind_of_store(self, kind: str, project: Any, all_emulators: Emulators) -> None:
        store = connect(all_emulators, kind, project)
        folder = fill(store, f"adoptions/{store.pk}", ["a.csv", "deep/ü b.csv"])
        adoption = finish(start(project, store, folder))
        assert (adoption.state, adoption.counts) == (
            "complete",
            {"adopted": 2, "known": 0, "refused": 0},
        )
        names = set(Datum.objects.values_list("name", flat=True))
        assert names == {f"adoptions/{store.pk}/a.csv", f"adoptions/{store.pk}/deep/ü b.csv"}
        assert all(datum.is_adopted and datum.stored_at for datum in Datum.objects.all())

    def test_wildcards_and_files_together(self, project: Any, store: DataStore, folder: str) -> None:
        adoption = finish(start(project, store, f"{folder}*.csv", f"{folder}b.md", f"{folder}none", ""))
        assert adoption.counts == {"adopted": 6, "known": 0, "refused": 1}
        [refused] = results_of(adoption, "refused")
        assert (refused.uri, refused.code) == (f"{folder}none", "adoptable_file_not_found")
        assert {result.uri for result in results_of(adoption, "adopted") if result.datum} == {
            *(f"{folder}{number}.csv" for number in range(5)),
            f"{folder}b.md",
        }

    def test_what_is_there_is_passed_over(self, project: Any, store: DataStore, folder: str) -> None:
        finish(start(project, store, f"{folder}0.csv"))
        adoption = finish(start(project, store, folder, f"{folder}*.md"))
        assert adoption.counts == {"adopted": 6, "known": 2, "refused": 0}
        assert Datum.objects.count() == 7

    def test_a_wildcard_that_finds_nothing(self, project: Any, store: DataStore, folder: str) -> None:
        adoption = finish(start(project, store, f"{folder}*.parquet"))
        assert (adoption.state, adoption.refused_count) == ("complete", 1)

    def test_what_the_platform_wrote_for_another_project(self, project: Any, store: DataStore) -> None:
        key = objects.key_of(factories.make_project().pk, new_id())
        place = object_store(store)
        place.write(key, b"of others")
        adoption = finish(start(project, store, f"{place.uri(key)[:-5]}*", place.uri(key)))
        assert adoption.counts == {"adopted": 0, "known": 0, "refused": 2}
        assert {result.code for result in results_of(adoption)} == {"adoptable_file_not_found"}
        assert not Datum.objects.exists()

    def test_only_some_results_are_kept(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "MOST_RESULTS", 3)
        monkeypatch.setattr(running, "BATCH_FILES", 2)
        adoption = finish(start(project, store, folder))
        assert (adoption.adopted_count, results_of(adoption).count()) == (7, 3)

    def test_one_row_in_the_audit_log_for_each_thing_that_happens(
        self, project: Any, store: DataStore, folder: str
    ) -> None:
        finish(start(project, store, folder))
        assert kinds_of_audit_rows() == ["adoption.started", "adoption.completed"]
        ended = AuditEvent.objects.get(kind="adoption.completed")
        assert ended.after == {"adopted": 7, "known": 0, "refused": 0}


class TestKills:
    @pytest.fixture(autouse=True)
    def small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running, "BATCH_FILES", 2)

    @pytest.mark.parametrize("kind", CLOUDS)
    @pytest.mark.parametrize("files", range(0, 8, 3))
    def test_it_goes_on_where_it_was_and_adopts_nothing_twice(
        self, kind: str, files: int, project: Any, all_emulators: Emulators, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = connect(all_emulators, kind, project)
        folder = fill(store, f"adoptions/{store.pk}", [f"{number}.csv" for number in range(7)])
        adoption = start(project, store, f"{folder}0.csv", folder)
        place = object_store(store)

        class Killed(BaseException):
            pass

        walked = place.walk

        def cut(prefix: str, **options: Any) -> Iterator[ObjectFacts]:
            for number, found in enumerate(walked(prefix, **options)):
                if number == files:
                    raise Killed
                yield found

        monkeypatch.setattr(place, "walk", cut)
        with pytest.raises(Killed):
            running.run_slice(adoption.pk)
        monkeypatch.setattr(place, "walk", walked)
        assert finish(adoption).counts == {"adopted": 7, "known": 1, "refused": 0}
        keys = list(Datum.objects.values_list("key", flat=True))
        assert len(keys) == len(set(keys)) == 7
        uris = [result.uri for result in results_of(adoption)]
        assert len(uris) == 8

    def test_a_slice_stops_in_time(self, project: Any, store: DataStore, folder: str) -> None:
        adoption = start(project, store, folder)
        slices = 0
        while running.run_slice(adoption.pk, seconds=0):
            slices += 1
        assert slices >= 3
        assert finish(adoption).adopted_count == 7

    def test_two_that_work_on_it_at_once(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        adoption = start(project, store, folder)
        saved = running._save
        others: list[bool] = []

        def overtaken(*arguments: Any) -> bool:
            if not others:
                others.append(True)
                running.run_slice(adoption.pk)
            return saved(*arguments)

        monkeypatch.setattr(running, "_save", overtaken)
        assert running.run_slice(adoption.pk) is False
        assert finish(adoption).counts == {"adopted": 7, "known": 0, "refused": 0}
        assert Datum.objects.count() == 7

    def test_those_that_nobody_works_on_are_handed_over_again(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handed: list[Any] = []
        monkeypatch.setattr(
            background.continue_adoption, "apply_async", lambda args, **_: handed.append(args)
        )
        adoption = start(project, store, folder)
        background.continue_stalled_adoptions()
        assert handed == []
        past = clock.now() - timedelta(minutes=5)
        Adoption.objects.filter(pk=adoption.pk).update(progressed_at=past, state="running")
        background.continue_stalled_adoptions()
        assert handed == [[str(adoption.pk)]]
        finish(adoption)
        Adoption.objects.filter(pk=adoption.pk).update(progressed_at=past)
        background.continue_stalled_adoptions()
        assert len(handed) == 1


class TestStoresThatFail:
    def test_one_that_refuses_ends_it_with_the_reason(self, project: Any, store: DataStore) -> None:
        store.configuration["bucket"] = "not-there"
        store.save()
        adoption = start(project, store, "s3://not-there/a/")
        background.continue_adoption(str(adoption.pk))
        adoption.refresh_from_db()
        assert adoption.state == "failed"
        assert "no bucket 'not-there'" in adoption.problem
        assert kinds_of_audit_rows() == ["adoption.started", "adoption.failed"]

    def test_one_that_is_away_is_asked_again(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        adoption = start(project, store, folder)
        place = object_store(store)
        tries: list[str] = []

        def away(prefix: str, **options: Any) -> Iterator[ObjectFacts]:
            tries.append(prefix)
            raise StoreProblem(Problem.UNREACHABLE, "Nobody answers.")

        with monkeypatch.context() as patch:
            patch.setattr(place, "walk", away)
            background.continue_adoption.apply([str(adoption.pk)])
        adoption.refresh_from_db()
        assert len(tries) == 6
        assert (adoption.state, adoption.problem) == ("failed", "Nobody answers.")


class TestCancelling:
    def test_what_was_adopted_stays_and_nothing_comes_after(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "BATCH_FILES", 2)
        adoption = start(project, store, folder)
        assert running.run_slice(adoption.pk, seconds=0)
        services.cancel(adoption=adoption, actor=project.creator)
        assert finish(adoption).state == "cancelled"
        assert Datum.objects.count() == 2
        assert kinds_of_audit_rows() == ["adoption.started", "adoption.cancelled"]
        with pytest.raises(DomainError, match="nothing left to cancel"):
            services.cancel(adoption=adoption, actor=project.creator)

    def test_in_the_middle_of_a_slice(
        self, project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        adoption = start(project, store, folder)
        saved = running._save

        def cancelled(*arguments: Any) -> bool:
            lifecycle.cancel(adoption.pk)
            return saved(*arguments)

        monkeypatch.setattr(running, "_save", cancelled)
        assert finish(adoption).state == "cancelled"
        assert not Datum.objects.exists()


class TestRefusals:
    def refused(self, project: Any, store: DataStore, *addresses: str, actor: Any = None) -> DomainError:
        with pytest.raises(DomainError) as told, transaction.atomic():
            start(project, store, *addresses, actor=actor)
        assert not Adoption.objects.exists()
        assert not AuditEvent.objects.filter(kind="adoption.started").exists()
        return told.value

    @pytest.mark.parametrize(
        "address", ["s3://bucket-of-others/a", "/etc/passwd", "s3://users-data/\0", "http://x/"]
    )
    def test_addresses_elsewhere(self, project: Any, store: DataStore, address: str) -> None:
        told = self.refused(project, store, "s3://users-data/fine", address)
        assert (told.field, told.code) == ("addresses", "invalid_addresses")
        assert "s3://users-data/" in told.message

    def test_no_address_and_too_many(self, project: Any, store: DataStore) -> None:
        assert "at least one" in self.refused(project, store, " ", "").message
        many = [f"s3://users-data/{number}" for number in range(10_001)]
        assert "10001 addresses are too many" in self.refused(project, store, *many).message

    def test_a_store_that_does_not_allow_it(self, project: Any, store: DataStore) -> None:
        store.allow_adopt = False
        store.save()
        assert self.refused(project, store, "s3://users-data/a").code == "adoption_forbidden"

    def test_a_store_that_the_project_may_not_use(self, project: Any, store: DataStore) -> None:
        """Though whoever asks sees both."""
        other = factories.make_project(owner=project.creator)
        told = self.refused(other, store, "s3://users-data/a", actor=project.creator)
        assert told.code == "adoption_forbidden"

    def test_somebody_who_only_looks(self, project: Any, store: DataStore) -> None:
        reader = factories.make_user("reader")
        factories.make_collaborator(project, reader, is_read_only=True)
        assert isinstance(self.refused(project, store, "s3://users-data/a", actor=reader), Forbidden)

    def test_rights_that_were_taken_meanwhile(self, project: Any, store: DataStore, folder: str) -> None:
        adoption = start(project, store, folder)
        store.allow_adopt = False
        store.save()
        assert finish(adoption).state == "failed"
        assert "cannot be adopted" in adoption.problem
        assert not Datum.objects.exists()

    def test_too_many_at_once(self, project: Any, store: DataStore) -> None:
        for _ in range(services.MOST_UNFINISHED):
            factories.make_adoption(project, store)
        with pytest.raises(DomainError, match="not finished"), transaction.atomic():
            start(project, store, "s3://users-data/a")
        assert Adoption.objects.count() == services.MOST_UNFINISHED


class TestApi:
    def test_a_journey(self, api: Any, project: Any, store: DataStore, folder: str) -> None:
        body = {"project": str(project.pk), "store": str(store.pk), "urls": [folder, f"{folder}none"]}
        answer = api.post("/api/v0/adoptions/", body)
        assert answer.status_code == 201, answer.content
        row = answer.json()
        assert (row["state"], row["url_count"], row["done_url_count"]) == ("waiting", 2, 0)
        finish(Adoption.objects.get())
        row = api.get(row["url"]).json()
        assert (row["state"], row["counts"]) == ("complete", {"adopted": 7, "known": 0, "refused": 1})
        results = api.get(f"{row['url']}results/", {"limit": 3}).json()
        assert (results["count"], len(results["results"])) == (8, 3)
        [refused] = api.get(f"{row['url']}results/", {"outcome": "refused"}).json()["results"]
        assert refused == {
            "url": f"{folder}none",
            "outcome": "refused",
            "datum": None,
            "message": f"Not found in ours: {folder}none",
            "code": "adoptable_file_not_found",
        }
        assert api.get(f"{row['url']}results/", {"outcome": "nonsense"}).json()["results"] == []
        assert api.post(f"{row['url']}cancel/").status_code == 409
        assert len(api.get("/api/v0/adoptions/", {"project": str(project.pk)}).json()["results"]) == 1
        assert api.get("/api/v0/adoptions/", {"project": "nonsense"}).json()["results"] == []

    def test_a_store_of_somebody_else(self, api: Any, project: Any, all_emulators: Emulators) -> None:
        foreign = connect(all_emulators, "s3", factories.make_project())
        body = {"project": str(project.pk), "store": str(foreign.pk), "urls": ["s3://users-data/"]}
        assert api.post("/api/v0/adoptions/", body).status_code == 404
        assert not Adoption.objects.exists()


class TestPages:
    @pytest.fixture
    def address(self, project: Any) -> str:
        return f"/p/{project.owner.name}/{project.name}/data/adoptions/"

    def test_the_form_leads_to_the_results(
        self, alice_browser: Any, project: Any, store: DataStore, folder: str, address: str
    ) -> None:
        body = {"store": str(store.pk), "addresses": f"{folder}\n{folder}none"}
        answer = alice_browser.post(address, body)
        adoption = Adoption.objects.get()
        assert answer["location"] == f"{address}{adoption.pk}/"
        waiting = alice_browser.get(answer["location"]).content.decode()
        assert 'hx-trigger="load delay:1500ms"' in waiting
        finish(adoption)
        fragment = alice_browser.get(answer["location"], headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in fragment
        assert "hx-trigger" not in fragment
        assert f"Not found in ours: {folder}none" in fragment
        again = alice_browser.get(address, {"again": str(adoption.pk)}).content.decode()
        assert f"{folder}\n{folder}none</textarea>" in again

    def test_a_refusal_stands_beside_its_field(
        self, alice_browser: Any, store: DataStore, address: str
    ) -> None:
        answer = alice_browser.post(address, {"store": str(store.pk), "addresses": "s3://elsewhere/<b>"})
        assert answer.status_code == 200
        assert "Not in ours: s3://elsewhere/&lt;b&gt;" in answer.content.decode()
        assert not Adoption.objects.exists()

    def test_where_no_store_allows_it(self, alice_browser: Any, project: Any, address: str) -> None:
        assert (
            "No data store of this project lets files be adopted"
            in alice_browser.get(address).content.decode()
        )

    def test_one_of_another_project_of_the_same_person(
        self, alice_browser: Any, project: Any, store: DataStore, address: str
    ) -> None:
        other = factories.make_project(owner=project.creator)
        elsewhere = factories.make_adoption(other, store)
        assert alice_browser.get(f"{address}{elsewhere.pk}/").status_code == 404
        assert alice_browser.post(f"{address}{elsewhere.pk}/cancel/").status_code == 404
        elsewhere.refresh_from_db()
        assert elsewhere.state == "waiting"


def test_keys_that_no_file_can_be_called(
    project: Any, store: DataStore, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: ObjectStore = object_store(store)
    now = clock.now()
    names = ["a\0b", "../etc", "x" * 1100, "\x07bell", "folder/"]

    def strange(prefix: str, **options: Any) -> Iterator[ObjectFacts]:
        return (ObjectFacts(f"{prefix}{name}", 1, now) for name in names)

    with monkeypatch.context() as patch:
        patch.setattr(place, "walk", strange)
        adoption = finish(start(project, store, folder))
    assert (adoption.state, adoption.counts) == ("complete", {"adopted": 0, "known": 0, "refused": 4})
    assert AdoptionResult.objects.filter(code="invalid_name").count() == 4
