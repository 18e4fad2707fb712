"""Files by signed address: who holds an address may do exactly one thing with one file, for a while."""

import os
import re
import resource
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client, override_settings

from common.files import presign_get, presign_put
from common.files.requests import incoming_folder

BASE = "http://testserver"
CONTENT = b"0123456789"


def get(url: str, method: str = "get", **headers: str) -> Any:
    send = getattr(Client(), method)
    return send(url.removeprefix(BASE), headers={k.replace("_", "-"): v for k, v in headers.items()})


def put(url: str, content: bytes, **extra: Any) -> Any:
    return Client(enforce_csrf_checks=True).put(
        url.removeprefix(BASE), content, content_type="application/octet-stream", **extra
    )


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def waiting() -> list[str]:
    return os.listdir(incoming_folder()) if incoming_folder().exists() else []


@pytest.fixture
def stored() -> Iterator[str]:
    key = default_storage.save("tests/digits.txt", ContentFile(CONTENT))
    yield key
    default_storage.delete(key)


@pytest.fixture
def fresh_key() -> Iterator[str]:
    key = f"tests/new-{os.urandom(6).hex()}"
    yield key
    default_storage.delete(key)


def read_url(key: str, **options: Any) -> str:
    return presign_get(key, **{"filename": "digits.txt", "base_url": BASE, **options}).url


def write_url(key: str, **options: Any) -> str:
    return presign_put(key, base_url=BASE, **options).url


class TestReading:
    def test_whole(self, stored: str) -> None:
        answer = get(read_url(stored))
        assert answer.status_code == 200
        assert body(answer) == CONTENT
        assert answer["Content-Length"] == "10"
        assert not answer.cookies

    @pytest.mark.parametrize(
        ("asked", "status", "content", "where"),
        [
            ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
            ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"),
            ("bytes=-99", 206, CONTENT, "bytes 0-9/10"),
            ("bytes=8-999", 206, b"89", "bytes 8-9/10"),
            ("bytes=10-", 416, None, "bytes */10"),
            ("bytes=-0", 416, None, "bytes */10"),
            ("bytes=5-2", 200, CONTENT, None),
            ("bytes=0-1,4-5", 200, CONTENT, None),
            ("items=0-1", 200, CONTENT, None),
            ("bytes=-", 200, CONTENT, None),
            (f"bytes={'9' * 30}-", 200, CONTENT, None),
        ],
    )
    def test_ranges(
        self, stored: str, asked: str, status: int, content: bytes | None, where: str | None
    ) -> None:
        answer = get(read_url(stored), Range=asked)
        assert answer.status_code == status
        assert answer.headers.get("Content-Range") == where
        if content is not None:
            assert body(answer) == content
            assert answer["Content-Length"] == str(len(content))

    def test_head(self, stored: str) -> None:
        answer = get(read_url(stored), "head")
        assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "10", b"")

    def test_unchanged_is_not_sent_again(self, stored: str) -> None:
        etag = get(read_url(stored))["ETag"]
        assert get(read_url(stored), If_None_Match=etag).status_code == 304
        assert get(read_url(stored), If_None_Match='"other"').status_code == 200

    def test_a_range_of_another_version_is_the_whole(self, stored: str) -> None:
        etag = get(read_url(stored))["ETag"]
        assert get(read_url(stored), Range="bytes=0-1", If_Range=etag).status_code == 206
        assert get(read_url(stored), Range="bytes=0-1", If_Range='"other"').status_code == 200

    def test_empty_file(self) -> None:
        key = default_storage.save("tests/empty", ContentFile(b""))
        answer = get(read_url(key))
        assert (answer.status_code, body(answer), answer["Content-Length"]) == (200, b"", "0")

    def test_gone_is_said_in_json(self) -> None:
        answer = get(read_url("tests/never-was"))
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"

    def test_hostile_content_is_only_ever_saved(self) -> None:
        key = default_storage.save("tests/page.html", ContentFile(b"<script>alert(1)</script>"))
        answer = get(read_url(key, filename='a"b\r\nX: y;é.html', content_type="text/html"))
        assert answer["Content-Disposition"].startswith("attachment; ")
        assert "\n" not in answer["Content-Disposition"]
        assert "X" not in answer.headers
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]

    def test_only_images_are_shown(self, stored: str) -> None:
        shown = get(read_url(stored, content_type="image/png", inline=True))
        assert shown["Content-Disposition"].startswith("inline; ")
        assert shown["Content-Type"] == "image/png"
        for kind in ("text/html", "image/svg+xml", "application/pdf", "text/xml"):
            with pytest.raises(ValueError, match="not safe"):
                read_url(stored, content_type=kind, inline=True)


class TestAddresses:
    def test_each_is_good_for_one_method(self, stored: str, fresh_key: str) -> None:
        assert put(read_url(stored), b"x").status_code == 403
        assert get(write_url(fresh_key)).status_code == 403
        assert get(read_url(stored), "delete").status_code == 405
        assert get(read_url(stored), "post").status_code == 405
        assert default_storage.open(stored).read() == CONTENT

    def test_expire(self, stored: str) -> None:
        answer = get(read_url(stored, lifetime_seconds=-1))
        assert (answer.status_code, answer.json()["code"]) == (403, "address_expired")

    def test_cannot_be_forged_or_bent(self, stored: str) -> None:
        url = read_url(stored)
        token = re.sub(r".*/files/([^/]+)/.*", r"\1", url)
        bent = [
            url.replace("digits.txt", "invoice.exe"),
            url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")),
            url.replace(token, "forged"),
            url.replace(token, token.split(":")[0]),
        ]
        for address in bent:
            assert get(address).status_code == 403, address

    def test_another_installation_has_another_key(self, stored: str) -> None:
        with override_settings(SECRET_KEY="another"):
            url = read_url(stored)
        assert get(url).status_code == 403

    @pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a\\..\\..\\b"])
    def test_never_lead_out_of_the_storage(self, name: str) -> None:
        assert get(read_url(name)).status_code in (403, 404)
        answer = put(write_url(name), b"x")
        assert answer.status_code in (201, 403)
        if answer.status_code == 201:
            assert default_storage.exists(name)

    def test_use_the_host_that_was_asked_for(self, stored: str) -> None:
        url = presign_get(stored, filename="a b/ü.txt", base_url="https://ml.example.com:8443/").url
        assert url.startswith("https://ml.example.com:8443/files/")
        assert url.endswith("/%C3%BC.txt")


class TestWriting:
    def test_a_file(self, fresh_key: str) -> None:
        answer = put(write_url(fresh_key, size_bytes=10), CONTENT)
        assert (answer.status_code, answer.json()) == (201, {"size": 10})
        assert default_storage.open(fresh_key).read() == CONTENT
        assert waiting() == []

    def test_again_with_the_same_content_is_fine(self, fresh_key: str) -> None:
        url = write_url(fresh_key)
        assert [put(url, CONTENT).status_code for _ in range(2)] == [201, 201]

    def test_stored_files_never_change(self, fresh_key: str) -> None:
        url = write_url(fresh_key)
        put(url, CONTENT)
        answer = put(url, b"9876543210")
        assert (answer.status_code, answer.json()["code"]) == (409, "already_stored")
        assert default_storage.open(fresh_key).read() == CONTENT
        assert waiting() == []

    def test_longer_than_announced_is_refused(self, fresh_key: str) -> None:
        answer = put(write_url(fresh_key, size_bytes=9), CONTENT)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert not default_storage.exists(fresh_key)
        assert waiting() == []

    @pytest.mark.parametrize("length", ["", "-1", "ten", "1e1"])
    def test_needs_a_length(self, fresh_key: str, length: str) -> None:
        assert put(write_url(fresh_key), CONTENT, CONTENT_LENGTH=length).status_code == 411
        assert not default_storage.exists(fresh_key)

    def test_more_than_there_is_room_for_is_refused_before_it_is_sent(self, fresh_key: str) -> None:
        answer = put(write_url(fresh_key), b"", CONTENT_LENGTH=str(2**60))
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert "Purge" in answer.json()["message"]
        assert waiting() == []

    def test_no_room_on_the_way_leaves_nothing(self, fresh_key: str) -> None:
        """The kernel refuses to write past a limit, as it does on a full disk."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        try:
            answer = put(write_url(fresh_key), b"x" * 1_500_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert not default_storage.exists(fresh_key)
        assert waiting() == []


def test_lifetime_comes_from_the_settings(stored: str) -> None:
    with override_settings(FILE_URL_LIFETIME_SECONDS=-5):
        assert get(read_url(stored)).status_code == 403
    assert settings.FILE_URL_LIFETIME_SECONDS > 0
