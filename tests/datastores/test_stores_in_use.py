"""Users' own stores, on real emulators: trying one out, uploads and downloads past the platform, inputs by address."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from common.errors import DomainError
from common.ids import new_id
from common.objectstores import Grant, ObjectStore
from datastores import inputs, objects, uploads
from datastores.addresses import matcher
from datastores.errors import UploadFinished
from datastores.inputs import Inputs, input_files, resolve_input_uri
from datastores.models import DataStore, Datum
from datastores.opening import object_store
from datastores.selectors import download_grant
from datastores.trials import Step, steps_of
from datastores.types import Position
from datastores.uploads import NewFile
from tests.support import factories
from tests.support.emulators import Emulator, send
from tests.support.stores import Emulators

pytestmark = [pytest.mark.django_db, pytest.mark.emulator]

SECRET = {"secret_access_key", "service_account_json", "account_key", "password", "temp_url_key", "sas_token"}
CLOUDS = ("s3", "google", "azure", "azure-sas", "swift")


def connect(emulator: Emulator, project: Any, **changes: Any) -> DataStore:
    """As the API stores it: what is secret apart from what is not."""
    settings = {**emulator.settings, **changes}
    return DataStore.objects.create(
        name=f"our {emulator.kind}",
        kind=emulator.kind,
        project=project,
        configuration={name: value for name, value in settings.items() if name not in SECRET},
        credentials=json.dumps({name: value for name, value in settings.items() if name in SECRET}),
    )


@pytest.fixture(params=CLOUDS)
def emulator(request: pytest.FixtureRequest, all_emulators: Emulators) -> Emulator:
    return all_emulators.get(request.param)


@pytest.fixture
def store(emulator: Emulator, project: Any) -> DataStore:
    return connect(emulator, project)


def outcome(steps: list[Step]) -> dict[str, str]:
    return {step.name: step.code for step in steps}


def grant_of(request: Any) -> Grant:
    return Grant(request["method"], request["url"], request["headers"])


class TestTryingOut:
    def test_a_store_that_works(self, store: DataStore) -> None:
        steps = outcome(steps_of(store, base_url="http://mlops.example.com"))
        assert {name: steps[name] for name in ("open", "write", "read", "remove")} == dict.fromkeys(
            ("open", "write", "read", "remove"), ""
        )
        assert list(object_store(store).walk("connection-tests/")) == []

    def test_a_container_that_is_not_there(self, emulator: Emulator, project: Any) -> None:
        name = "container" if "container" in emulator.settings else "bucket"
        store = connect(emulator, project, **{name: "nowhere-to-be-found"})
        [*_, last] = [step for step in steps_of(store, base_url="http://x") if not step.succeeded]
        assert last.code in ("store_container_missing", "store_grant_refused", "object_missing")

    def test_a_store_that_nobody_reaches(self, emulator: Emulator, project: Any) -> None:
        address = "auth_url" if emulator.kind == "swift" else "endpoint_url"
        store = connect(emulator, project, **{address: "http://127.0.0.1:9/x"})
        [step] = [step for step in steps_of(store, base_url="http://x") if not step.succeeded][:1]
        assert step.code == "store_unreachable"
        assert "network" in step.problem

    @pytest.mark.parametrize("kind", ["azure", "azure-sas", "swift"])
    def test_wrong_credentials(self, kind: str, project: Any, all_emulators: Emulators) -> None:
        emulator = all_emulators.get(kind)
        store = connect(emulator, project, **emulator.wrong_credentials)
        [step] = [step for step in steps_of(store, base_url="http://x") if not step.succeeded][:1]
        assert step.code in ("store_credentials", "store_grant_refused")
        for secret in emulator.wrong_credentials.values():
            assert secret not in step.problem

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"bucket": ""}, "'bucket'"),
            ({"endpoint_url": "ftp://x"}, "https://"),
            ({"endpoint_url": "http://no-such-host.invalid"}, "no-such-host.invalid"),
            ({"region": "a b"}, "cannot be used"),
            ({"endpoint_url": "http://127.0.0.1:99999"}, ""),
        ],
    )
    def test_settings_that_cannot_be(
        self, changes: Any, told: str, project: Any, all_emulators: Emulators
    ) -> None:
        [step] = steps_of(connect(all_emulators.get("s3"), project, **changes), base_url="http://x")
        assert not step.succeeded
        assert told in step.problem

    @pytest.mark.parametrize(
        ("token", "told"),
        [("nonsense", "not complete"), ("sv=1&se=2020-01-01T00%3A00%3A00Z&sig=x", "2020-01-01")],
    )
    def test_tokens_that_cannot_be(
        self, token: str, told: str, project: Any, all_emulators: Emulators
    ) -> None:
        store = connect(all_emulators.get("azure-sas"), project, sas_token=token)
        [step] = steps_of(store, base_url="http://x")
        assert (step.code, told in step.problem) == ("store_credentials", True)

    def test_private_networks_where_they_are_not_allowed(
        self, project: Any, all_emulators: Emulators, settings: Any
    ) -> None:
        settings.ALLOW_PRIVATE_NETWORK_URLS = False
        [step] = steps_of(connect(all_emulators.get("s3"), project), base_url="http://x")
        assert step.code == "host_refused"

    def test_a_key_of_google_that_sends_us_elsewhere(
        self, project: Any, all_emulators: Emulators, settings: Any
    ) -> None:
        settings.ALLOW_PRIVATE_NETWORK_URLS = False
        emulator = all_emulators.get("google")
        [step] = steps_of(connect(emulator, project, endpoint_url=""), base_url="http://x")
        assert step.code == "host_refused"


class TestUploads:
    def test_a_file_goes_past_the_platform(self, store: DataStore, project: Any, alice: Any) -> None:
        content = b"content of a model" * 100
        [reserved] = uploads.reserve_uploads(
            project=project, store=store, files=[NewFile("model.bin", len(content))], base_url="http://platform", uploader=alice
        )  # fmt: skip
        assert reserved.grant is not None
        assert not reserved.grant.url.startswith("http://platform")
        assert send(reserved.grant, content).status_code in (200, 201)
        sha256 = hashlib.sha256(content).hexdigest()
        datum = uploads.complete_upload(datum=reserved.datum, actor=alice, sha256=sha256)
        assert (datum.size_bytes, datum.sha256) == (len(content), sha256)
        assert b"".join(object_store(store).read(datum.key)) == content

    def test_a_large_file_goes_in_parts(
        self, store: DataStore, project: Any, alice: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "IN_PARTS_FROM_BYTES", 1024)
        content = bytes(range(256)) * 4096 * 40  # 40 MiB: two parts
        [reserved] = uploads.reserve_uploads(
            project=project, store=store, files=[NewFile("large.bin", len(content))], base_url="http://x", uploader=alice
        )  # fmt: skip
        assert [part.number for part in reserved.parts] == [1, 2]
        with pytest.raises(DomainError):
            uploads.complete_upload(datum=reserved.datum, actor=alice)
        renewed = uploads.renew(reserved.datum, base_url="http://x")
        etags = {}
        for part in reversed(renewed.parts):
            answer = send(part.grant, content[part.offset : part.offset + part.size_bytes])
            assert answer.status_code in (200, 201)
            etags[part.number] = answer.headers.get("etag", "").strip('"')
        datum = uploads.complete_upload(datum=reserved.datum, actor=alice, etags=etags)
        uploads.complete_upload(datum=datum, actor=alice, etags=etags)
        assert datum.sha256 == hashlib.sha256(content).hexdigest()

    def test_a_file_that_is_there_is_never_written_again(
        self, store: DataStore, project: Any, alice: Any
    ) -> None:
        [reserved] = uploads.reserve_uploads(
            project=project, store=store, files=[NewFile("a", 5)], base_url="http://x", uploader=alice
        )
        again = uploads.renew(reserved.datum, base_url="http://x").grant
        assert again is not None
        send(again, b"bytes")
        datum = uploads.complete_upload(datum=reserved.datum, actor=alice)
        with pytest.raises(UploadFinished):
            uploads.renew(datum, base_url="http://x")

    def test_a_store_that_forgot_the_upload_once_it_was_finished(
        self, store: DataStore, project: Any, alice: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when the answer to the first try got lost: the second is told that there is no such upload."""
        monkeypatch.setattr(uploads, "IN_PARTS_FROM_BYTES", 1)
        [reserved] = uploads.reserve_uploads(
            project=project, store=store, files=[NewFile("a", 5)], base_url="http://x", uploader=alice
        )
        [part] = reserved.parts
        etag = send(part.grant, b"bytes").headers.get("etag", "").strip('"')
        whole = objects.is_whole
        before = [False]
        monkeypatch.setattr(objects, "is_whole", lambda datum: before.pop() if before else whole(datum))
        uploads.finish_parts(reserved.datum, {1: etag})
        before.append(False)
        uploads.finish_parts(reserved.datum, {1: etag})
        assert whole(reserved.datum)

    def test_what_did_not_arrive_does_not_exist(self, store: DataStore, project: Any, alice: Any) -> None:
        [reserved] = uploads.reserve_uploads(
            project=project, store=store, files=[NewFile("a", 5)], base_url="http://x", uploader=alice
        )
        with pytest.raises(DomainError):
            uploads.complete_upload(datum=reserved.datum, actor=alice)
        assert Datum.objects.get().stored_at is None


class TestInputsByAddress:
    @pytest.fixture
    def place(self, store: DataStore) -> ObjectStore:
        place = object_store(store)
        for key in ("set/a.csv", "set/b.csv", "set/deep/c.csv", "set/readme.md", "other/a.csv"):
            place.write(key, key.encode())
        return place

    def test_one_file(self, place: ObjectStore, project: Any) -> None:
        uri = place.uri("set/a.csv")
        assert resolve_input_uri(project, uri) == uri
        [file] = input_files(project, uri, "http://x")
        assert (file.size, file.storage_uri) == (len("set/a.csv"), uri)
        assert send(Grant("GET", file.url, file.headers)).content == b"set/a.csv"

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("set/*.csv", ["a.csv", "b.csv"]),
            ("set/**.csv", ["a.csv", "b.csv", "deep/c.csv"]),
            ("set/**", ["a.csv", "b.csv", "deep/c.csv", "readme.md"]),
            ("*/a.csv", ["other/a.csv", "set/a.csv"]),
        ],
    )
    def test_wildcards(self, place: ObjectStore, project: Any, pattern: str, found: list[str]) -> None:
        files = input_files(project, place.uri(pattern), "http://x")
        assert [file.path_below_root for file in files if not file.filename.startswith("tests/")] == found

    def test_files_that_the_platform_wrote_have_no_address_here(
        self, place: ObjectStore, project: Any
    ) -> None:
        """Of whatever project: they share a store, and not what they may see."""
        key = objects.key_of(factories.make_project().pk, new_id())
        place.write(key, b"of others")
        place.write("data/of/users.csv", b"not the platform's")
        names = [file.filename for file in input_files(project, place.uri("data/**"), "http://x")]
        assert "data/of/users.csv" in names
        assert key not in names
        for precisely in (key, f"{key[:-1]}*"):
            with pytest.raises(DomainError):
                input_files(project, place.uri(precisely), "http://x")

    def test_what_is_encrypted_with_a_key_of_kms_has_no_known_md5(
        self, project: Any, all_emulators: Emulators
    ) -> None:
        arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
        place = object_store(connect(all_emulators.get("s3"), project, kms_key_arn=arn))
        place.write("encrypted/a", b"content")
        facts = place.facts("encrypted/a")
        assert facts is not None
        assert facts.md5 is None
        for uri in (place.uri("encrypted/a"), place.uri("encrypted/*")):
            assert [file.md5 for file in input_files(project, uri, "http://x")] == [None]

    @pytest.mark.parametrize(("looked_at", "most"), [(1, 10), (2, 10), (5000, 1), (3, 2)])
    def test_a_wildcard_goes_on_where_it_was(
        self, place: ObjectStore, project: Any, monkeypatch: pytest.MonkeyPatch, looked_at: int, most: int
    ) -> None:
        monkeypatch.setattr(inputs, "MOST_LOOKED_AT", looked_at)
        uri = place.uri("set/**.csv")
        found: list[str] = []
        position: Position | None = Position()
        while position is not None:
            listing = Inputs(project, [uri]).some_files(uri, "http://x", position, most)
            assert len(listing.files) <= min(looked_at, most)
            found += [file.path_below_root for file in listing.files]
            position = listing.following
        assert found == ["a.csv", "b.csv", "deep/c.csv"]
        assert [file.path_below_root for file in input_files(project, uri, "http://x")] == found

    def test_more_than_a_wildcard_may_find(
        self, place: ObjectStore, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inputs, "MOST_FILES", 2)
        monkeypatch.setattr(inputs, "MOST_LOOKED_AT", 1)
        with pytest.raises(DomainError, match="matches more than 2 files"):
            input_files(project, place.uri("set/**.csv"), "http://x")

    @pytest.mark.parametrize("key", ["set/none.csv", "none/*"])
    def test_nothing_there(self, place: ObjectStore, project: Any, key: str) -> None:
        with pytest.raises(DomainError) as refused:
            input_files(project, place.uri(key), "http://x")
        assert refused.value.code == "no_match"

    def test_a_store_of_another_project(self, place: ObjectStore) -> None:
        other = factories.make_project()
        for ask in (resolve_input_uri, lambda p, uri: input_files(p, uri, "http://x")):
            with pytest.raises(DomainError) as refused:
                ask(other, place.uri("set/a.csv"))
            assert refused.value.code == "no_store"

    def test_a_store_that_may_not_be_read(self, place: ObjectStore, store: DataStore, project: Any) -> None:
        store.allow_read = False
        store.save()
        with pytest.raises(DomainError, match="No data store"):
            resolve_input_uri(project, place.uri("set/a.csv"))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a/*.txt", ["a/b.txt", "a/.txt"], ["a/b/c.txt", "a/b.txtx", "b/a.txt"]),
        ("a/**.txt", ["a/b.txt", "a/b/c.txt"], ["a/b.md"]),
        ("**", ["", "a", "a/b"], []),
        ("a/****b", ["a/xb", "a/x/b"], ["a/x"]),
        ("a+(b)/*", ["a+(b)/x"], ["aab/x"]),
        ("*" * 60 + "x", ["x", "a/x"], ["y"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    expression = matcher(pattern)
    assert all(expression.match(key) for key in matching)
    assert not any(expression.match(key) for key in other)


class TestOneTenantsAddresses:
    """What somebody is given for a file of theirs leads to nothing of anybody else's, though all lie in one bucket."""

    @pytest.mark.parametrize("kind", ["azure", "swift"])
    def test_say_nothing_about_anothers(self, kind: str, all_emulators: Emulators, alice: Any) -> None:
        emulator = all_emulators.get(kind)
        mine, theirs = factories.make_project(owner=alice), factories.make_project()
        my_store, their_store = connect(emulator, mine), connect(emulator, theirs)
        written = {}
        for project, store in ((mine, my_store), (theirs, their_store)):
            [reserved] = uploads.reserve_uploads(
                project=project, store=store, files=[NewFile("model.bin", 6)], base_url="http://x", uploader=project.creator
            )  # fmt: skip
            assert reserved.grant
            assert send(reserved.grant, b"secret").status_code in (200, 201)
            datum = uploads.complete_upload(datum=reserved.datum, actor=project.creator)
            written[project.pk] = (datum, reserved.grant, download_grant(datum, "http://x"))
        datum, put, get = written[mine.pk]
        foreign, _, _ = written[theirs.pk]
        assert str(theirs.pk) not in get.url + put.url
        assert their_store.name == my_store.name
        assert send(get).content == b"secret"
        for grant in (get, put):
            moved = replace(grant, url=grant.url.replace(datum.key, foreign.key))
            assert moved.url != grant.url
            answer = send(moved, b"forged" if grant is put else None)
            assert answer.status_code in (401, 403)
            assert b"secret" not in answer.content
        assert b"".join(object_store(their_store).read(foreign.key)) == b"secret"
        # Neither does it open what holds them all.
        container = get.url.split(datum.key)[0]
        assert send(Grant("GET", container + "?" + get.url.partition("?")[2])).status_code >= 400

    def test_a_token_of_the_platforms_own_storage(self, alice: Any, base_url: str) -> None:
        mine = factories.make_datum(factories.make_project(owner=alice), content=b"mine")
        theirs = factories.make_datum(content=b"theirs")
        my_grant, their_grant = (download_grant(datum, base_url) for datum in (mine, theirs))
        assert send(my_grant).content == b"mine"
        payload, _, signature = (
            my_grant.url.removeprefix(f"{base_url}/files/").partition("/")[0].rpartition(":")
        )
        their_payload = (
            their_grant.url.removeprefix(f"{base_url}/files/").partition("/")[0].rpartition(":")[0]
        )
        assert payload != their_payload
        forged = Grant("GET", f"{base_url}/files/{their_payload}:{signature}/file.txt")
        answer = send(forged)
        assert answer.status_code in (400, 403, 404)
        assert b"theirs" not in answer.content
        assert str(theirs.project_id) not in my_grant.url
