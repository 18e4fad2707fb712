"""What every object store does, on every kind: real emulators of the clouds, and the platform's own files.

Bytes move as they do in operation: by whoever holds a grant and nothing else.
"""

import gzip
import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from common.objectstores import (
    Download,
    ObjectMissing,
    ObjectStore,
    Part,
    StoreProblem,
    part_extents,
    part_size,
)
from common.objectstores.types import MEBIBYTE, UploadLimits
from tests.objectstores.conftest import KINDS
from tests.support.emulators import send

CONTENT = bytes(range(256)) * 40
NAMES = [
    "plain.txt",
    "with space & sign+.txt",
    "ünïcode-漢字.txt",
    "percent%2Fslash#hash?question.txt",
    "a/b/c/deep.txt",
]


LENIENT = {
    "signatures": {"s3", "google", "azure-sas"},
    "the time of an address": {"s3", "google", "azure-sas"},
    "the presentation of an answer": {"google", "azure-sas"},
    "the parts of an upload": {"azure", "azure-sas"},
    "the encoding of an object": {"google", "filesystem"},
}
"""What some emulators do not look at, unlike the services that they stand for; and what a SAS token cannot say."""


def strict_about(matter: str) -> list[Any]:
    return [pytest.param(kind, marks=pytest.mark.emulator) for kind in KINDS if kind not in LENIENT[matter]]


def download(key: str, **options: object) -> Download:
    values = {
        "filename": "file.bin",
        "content_type": "application/octet-stream",
        "inline": False,
        "lifetime_seconds": 60,
    }
    return Download(key, **{**values, **options})  # type: ignore[arg-type]


def put(store: ObjectStore, key: str, content: bytes, base_url: str) -> None:
    grant = store.grant_put(key, size_bytes=len(content), lifetime_seconds=60, base_url=base_url)
    answer = send(grant, content)
    assert answer.status_code in (200, 201), answer.text


def upload_in_parts(
    store: ObjectStore, key: str, contents: list[bytes], base_url: str, *, order: list[int] | None = None
) -> tuple[str, list[Part]]:
    upload_id = store.start_upload(key)
    parts = {}
    for index in order or range(len(contents)):
        offset = sum(map(len, contents[:index]))
        grant = store.grant_part(
            key,
            upload_id=upload_id,
            number=index + 1,
            offset=offset,
            size_bytes=len(contents[index]),
            lifetime_seconds=60,
            base_url=base_url,
        )
        answer = send(grant, contents[index])
        assert answer.status_code in (200, 201), answer.text
        parts[index] = Part(index + 1, len(contents[index]), answer.headers.get("etag", "").strip('"'))
    return upload_id, [parts[index] for index in sorted(parts)]


class TestSingleObjects:
    def test_what_is_put_is_got(self, store: ObjectStore, key: str, base_url: str) -> None:
        put(store, key, CONTENT, base_url)
        answer = send(store.grant_get(download(key), base_url=base_url))
        assert answer.status_code == 200
        assert answer.content == CONTENT

    @pytest.mark.parametrize("name", NAMES)
    def test_keys_are_any_text(self, store: ObjectStore, key: str, base_url: str, name: str) -> None:
        put(store, f"{key}/{name}", CONTENT, base_url)
        assert send(store.grant_get(download(f"{key}/{name}"), base_url=base_url)).content == CONTENT
        assert [found.key for found in store.walk(f"{key}/")] == [f"{key}/{name}"]

    def test_an_empty_object(self, store: ObjectStore, key: str) -> None:
        store.write(key, b"")
        found = store.facts(key)
        assert found is not None
        assert found.size_bytes == 0
        assert b"".join(store.read(key)) == b""
        assert b"".join(store.read(key, most_bytes=10)) == b""

    def test_a_range_is_served(self, store: ObjectStore, key: str, base_url: str) -> None:
        put(store, key, CONTENT, base_url)
        grant = store.grant_get(download(key), base_url=base_url)
        grant.headers["Range"] = "bytes=100-199"
        answer = send(grant)
        assert (answer.status_code, answer.content) == (206, CONTENT[100:200])

    def test_facts(self, store: ObjectStore, key: str, base_url: str) -> None:
        assert store.facts(key) is None
        put(store, key, CONTENT, base_url)
        found = store.facts(key)
        assert found is not None
        assert (found.key, found.size_bytes) == (key, len(CONTENT))
        assert found.modified_at.tzinfo is not None
        assert found.md5 in (None, hashlib.md5(CONTENT).hexdigest())  # noqa: S324
        assert found.etag

    def test_the_server_reads_and_writes(self, store: ObjectStore, key: str) -> None:
        store.write(key, CONTENT)
        assert b"".join(store.read(key)) == CONTENT
        assert b"".join(store.read(key, first=5, most_bytes=7)) == CONTENT[5:12]
        assert b"".join(store.read(key, first=len(CONTENT) - 3)) == CONTENT[-3:]
        with pytest.raises(ObjectMissing):
            list(store.read(f"{key}-none"))

    @pytest.mark.parametrize("kind", strict_about("the encoding of an object"))
    def test_what_is_compressed_is_read_as_it_is_stored(
        self, store: ObjectStore, key: str, base_url: str
    ) -> None:
        """Ten megabytes of nothing are not unpacked by whoever reads the first bytes."""
        bomb = gzip.compress(b"0" * 10 * MEBIBYTE)
        grant = store.grant_put(key, size_bytes=len(bomb), lifetime_seconds=60, base_url=base_url)
        headers = {**grant.headers, "Content-Encoding": "gzip", "x-ms-blob-content-encoding": "gzip"}
        assert send(replace(grant, headers=headers), bomb).status_code in (200, 201)
        assert b"".join(store.read(key)) == bomb
        assert b"".join(store.read(key, most_bytes=100)) == bomb[:100]

    def test_deleting_twice_is_deleting_once(self, store: ObjectStore, key: str) -> None:
        store.write(key, CONTENT)
        store.delete(key)
        store.delete(key)
        assert store.facts(key) is None

    def test_a_copy(self, store: ObjectStore, key: str) -> None:
        store.write(key, CONTENT)
        store.copy(key, f"{key}-copy")
        store.delete(key)
        assert b"".join(store.read(f"{key}-copy")) == CONTENT

    def test_walking(self, store: ObjectStore, key: str) -> None:
        names = [f"{key}/b", f"{key}/a/1", f"{key}/a/2", f"{key}-other"]
        for name in names:
            store.write(name, b"x")
        assert [found.key for found in store.walk(f"{key}/")] == [f"{key}/a/1", f"{key}/a/2", f"{key}/b"]
        assert [found.key for found in store.walk(f"{key}/a/1")] == [f"{key}/a/1"]
        assert list(store.walk(f"{key}/none")) == []
        digest = hashlib.md5(b"x").hexdigest()  # noqa: S324
        assert {found.md5 for found in store.walk(f"{key}/")} <= {None, digest}

    def test_walking_on_behind_a_key(self, store: ObjectStore, key: str) -> None:
        for name in ("a/1", "a/2", "b", "ü"):
            store.write(f"{key}/{name}", b"x")
        behind = [found.key.removeprefix(f"{key}/") for found in store.walk(f"{key}/", after=f"{key}/a/1")]
        assert behind == ["a/2", "b", "ü"]
        # Also where the key is gone by now.
        assert next(iter(store.walk(f"{key}/", after=f"{key}/a/3"))).key == f"{key}/b"
        assert list(store.walk(f"{key}/", after=f"{key}/ü")) == []

    def test_addresses_name_keys(self, store: ObjectStore, key: str, kind: str) -> None:
        uri = store.uri(key)
        if kind == "filesystem":
            assert uri == ""
            return
        assert store.key_in(uri) == key
        assert store.key_in(uri.replace("users-data", "users-data-of-others")) is None
        assert store.key_in("https://example.com/x") is None


class TestGrants:
    @pytest.mark.parametrize("kind", strict_about("signatures"))
    def test_a_grant_is_for_one_method(self, store: ObjectStore, key: str, base_url: str) -> None:
        put(store, key, CONTENT, base_url)
        grant = store.grant_get(download(key), base_url=base_url)
        assert send(replace(grant, method="PUT"), b"overwritten").status_code >= 400
        assert b"".join(store.read(key)) == CONTENT

    @pytest.mark.parametrize("kind", strict_about("the presentation of an answer"))
    def test_the_answer_is_a_download(self, store: ObjectStore, key: str, base_url: str) -> None:
        put(store, key, CONTENT, base_url)
        answer = send(store.grant_get(download(key, filename='a"ü.txt'), base_url=base_url))
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert "%C3%BC" in answer.headers["content-disposition"]

    @pytest.mark.parametrize("kind", strict_about("the time of an address"))
    def test_a_read_grant_expires(self, store: ObjectStore, key: str, base_url: str) -> None:
        put(store, key, CONTENT, base_url)
        grant = store.grant_get(download(key, lifetime_seconds=-5), base_url=base_url)
        assert send(grant).status_code in (401, 403)


class TestUploadsInParts:
    def test_parts_become_one_object(self, store: ObjectStore, key: str, base_url: str) -> None:
        contents = [bytes([n]) * 5 * MEBIBYTE for n in (1, 2)] + [b"the rest"]
        upload_id, parts = upload_in_parts(store, key, contents, base_url, order=[2, 0, 1])
        store.finish_upload(key, upload_id=upload_id, parts=parts)
        found = store.facts(key)
        assert found is not None
        assert found.size_bytes == sum(map(len, contents))
        digest = hashlib.sha256()
        for block in store.read(key):
            digest.update(block)
        assert digest.hexdigest() == hashlib.sha256(b"".join(contents)).hexdigest()
        assert [walked.key for walked in store.walk(key) if not walked.key.startswith(f"{key}.parts/")] == [
            key
        ]

    def test_etags_that_a_browser_could_not_read(self, store: ObjectStore, key: str, base_url: str) -> None:
        upload_id, parts = upload_in_parts(store, key, [b"x" * 5 * MEBIBYTE, b"y"], base_url)
        store.finish_upload(key, upload_id=upload_id, parts=[replace(part, etag="") for part in parts])
        found = store.facts(key)
        assert found is not None
        assert found.size_bytes == 5 * MEBIBYTE + 1

    def test_a_part_may_be_sent_again(self, store: ObjectStore, key: str, base_url: str) -> None:
        upload_id = store.start_upload(key)
        grant = store.grant_part(
            key, upload_id=upload_id, number=1, offset=0, size_bytes=5, lifetime_seconds=60, base_url=base_url
        )
        send(grant, b"first")
        answer = send(grant, b"again")
        etag = answer.headers.get("etag", "").strip('"')
        store.finish_upload(key, upload_id=upload_id, parts=[Part(1, 5, etag)])
        assert b"".join(store.read(key)) == b"again"

    @pytest.mark.parametrize("kind", strict_about("the parts of an upload"))
    def test_a_missing_part_is_told(self, store: ObjectStore, key: str, base_url: str) -> None:
        upload_id, parts = upload_in_parts(store, key, [b"one"], base_url)
        with pytest.raises((ObjectMissing, StoreProblem)):
            store.finish_upload(key, upload_id=upload_id, parts=[*parts, Part(2, 3, "0" * 32)])
        assert store.facts(key) is None
        store.abandon_upload(key, upload_id=upload_id, part_count=2)

    def test_an_abandoned_upload_leaves_no_object(self, store: ObjectStore, key: str, base_url: str) -> None:
        upload_id, parts = upload_in_parts(store, key, [b"one"], base_url)
        store.abandon_upload(key, upload_id=upload_id, part_count=len(parts))
        store.abandon_upload(key, upload_id=upload_id, part_count=len(parts))
        assert store.facts(key) is None


class TestPartsOfTheServer:
    """What the platform makes itself, such as packages of datasets, it writes part by part."""

    CONTENTS = (b"a" * 5 * MEBIBYTE, b"b" * 5 * MEBIBYTE, b"end")

    def write(self, store: ObjectStore, key: str) -> tuple[str, list[Part]]:
        upload_id, offset, parts = store.start_upload(key), 0, []
        for number, content in enumerate(self.CONTENTS, start=1):
            parts.append(
                store.write_part(key, upload_id=upload_id, number=number, offset=offset, content=content)
            )
            offset += len(content)
        return upload_id, parts

    def test_become_one_object(self, store: ObjectStore, key: str) -> None:
        upload_id, parts = self.write(store, key)
        assert [(part.number, part.size_bytes) for part in parts] == [
            (1, 5 * MEBIBYTE), (2, 5 * MEBIBYTE), (3, 3),
        ]  # fmt: skip
        assert store.facts(key) is None, "not before it is finished"
        store.finish_upload(key, upload_id=upload_id, parts=parts)
        assert b"".join(store.read(key)) == b"".join(self.CONTENTS)

    def test_that_are_abandoned_are_no_object(self, store: ObjectStore, key: str, kind: str) -> None:
        upload_id, parts = self.write(store, key)
        store.abandon_upload(key, upload_id=upload_id, part_count=3)
        assert store.facts(key) is None
        if kind not in LENIENT["the parts of an upload"]:
            with pytest.raises((ObjectMissing, StoreProblem)):
                store.finish_upload(key, upload_id=upload_id, parts=parts)


class TestPartSizes:
    @pytest.mark.parametrize("size", [1, MEBIBYTE, 32 * MEBIBYTE, 32 * MEBIBYTE + 1, 10**12 + 7])
    def test_they_add_up_and_keep_the_limits(self, size: int) -> None:
        limits = UploadLimits(single_put_bytes=1)
        extents = part_extents(size, part_size(size, limits))
        assert extents[0][0] == 0
        assert all(start + length == following for (start, length), (following, _) in pairwise(extents))
        assert sum(extents[-1]) == size
        assert len(extents) <= limits.most_parts
        assert all(length >= limits.least_part_bytes for _, length in extents[:-1])
