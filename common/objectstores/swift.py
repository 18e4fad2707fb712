"""OpenStack Swift. Grants are temporary URLs; an upload in parts becomes a static large object."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from swiftclient import ClientException, Connection
from swiftclient.utils import generate_temp_url

from common.ids import new_token
from common.objectstores.addresses import key_of, uri_of
from common.objectstores.types import (
    MEBIBYTE,
    Download,
    Grant,
    ObjectFacts,
    ObjectMissing,
    Part,
    Problem,
    StoreProblem,
    UploadLimits,
)

SCHEME = "swift"
_BLOCK_BYTES = MEBIBYTE
_CLOCK_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


class SwiftStore:
    """`connection` is signed in; `temp_url_key` is the account's or container's key for temporary URLs."""

    limits = UploadLimits(single_put_bytes=5 * 1024 * MEBIBYTE, most_parts=1000)

    def __init__(self, connection: Connection, container: str, temp_url_key: str) -> None:
        self._connection = connection
        self._container = container
        self._temp_url_key = temp_url_key

    def uri(self, key: str) -> str:
        return uri_of(SCHEME, self._container, key)

    def key_in(self, uri: str) -> str | None:
        return key_of(uri, SCHEME, self._container)

    def grant_get(self, download: Download, *, base_url: str) -> Grant:
        shown = "&inline" if download.inline else ""
        url = self._sign(download.key, "GET", download.lifetime_seconds)
        return Grant("GET", f"{url}&filename={quote(download.filename, safe='')}{shown}")

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        return Grant("PUT", self._sign(key, "PUT", lifetime_seconds))

    def start_upload(self, key: str) -> str:
        return new_token()

    def grant_part(
        self,
        key: str,
        *,
        upload_id: str,
        number: int,
        offset: int,
        size_bytes: int,
        lifetime_seconds: int,
        base_url: str,
    ) -> Grant:
        return Grant("PUT", self._sign(_segment_key(key, upload_id, number), "PUT", lifetime_seconds))

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        self.write(_segment_key(key, upload_id, number), content)
        return Part(number, len(content))

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        manifest = [
            {
                "path": f"/{self._container}/{_segment_key(key, upload_id, part.number)}",
                "size_bytes": part.size_bytes,
                **({"etag": part.etag} if part.etag else {}),
            }
            for part in parts
        ]
        with self._explained("finish an upload", key):
            self._connection.put_object(
                self._container, key, json.dumps(manifest), query_string="multipart-manifest=put"
            )

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        for number in range(1, part_count + 1):
            self._delete(_segment_key(key, upload_id, number))

    def facts(self, key: str) -> ObjectFacts | None:
        try:
            with self._explained("read", key):
                found = self._connection.head_object(self._container, key)
        except ObjectMissing:
            return None
        large = found.get("x-static-large-object", "").lower() == "true"
        etag = found.get("etag", "").strip('"')
        modified = datetime.fromtimestamp(float(found["x-timestamp"]), UTC)
        return ObjectFacts(key, int(found["content-length"]), modified, etag, None if large else etag)

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        marker = after
        while True:
            with self._explained("list", prefix):
                _, page = self._connection.get_container(self._container, prefix=prefix, marker=marker)
            if not page:
                return
            for row in page:
                modified = datetime.strptime(row["last_modified"], _CLOCK_FORMAT).replace(tzinfo=UTC)
                yield ObjectFacts(row["name"], row["bytes"], modified, row["hash"])
            marker = page[-1]["name"]

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        last = "" if most_bytes is None else first + most_bytes - 1
        headers = {"Range": f"bytes={first}-{last}"} if first or most_bytes is not None else None
        with self._explained("read", key):
            try:
                _, blocks = self._connection.get_object(
                    self._container, key, resp_chunk_size=_BLOCK_BYTES, headers=headers
                )
            except ClientException as error:
                if error.http_status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                return  # the object ends before `first`
            yield from blocks

    def write(self, key: str, content: bytes) -> None:
        with self._explained("write", key):
            self._connection.put_object(self._container, key, content)

    def delete(self, key: str) -> None:
        """A large object goes with its segments."""
        try:
            with self._explained("delete", key):
                found = self._connection.head_object(self._container, key)
        except ObjectMissing:
            return
        large = found.get("x-static-large-object", "").lower() == "true"
        self._delete(key, "multipart-manifest=delete" if large else None)

    def copy(self, source_key: str, target_key: str) -> None:
        with self._explained("copy", source_key):
            self._connection.copy_object(self._container, source_key, f"/{self._container}/{target_key}")

    def _delete(self, key: str, query: str | None = None) -> None:
        try:
            with self._explained("delete", key):
                self._connection.delete_object(self._container, key, query_string=query)
        except ObjectMissing:
            return

    def _sign(self, key: str, method: str, lifetime_seconds: int) -> str:
        with self._explained("sign an address", key):
            storage_url = self._connection.url or self._connection.get_auth()[0]
        parts = urlsplit(storage_url)
        # The store signs the path as it reads it, not as it is quoted.
        path = f"{parts.path}/{self._container}/{key}"
        expiry = int(time.time()) + lifetime_seconds
        signed = generate_temp_url(path, expiry, self._temp_url_key, method, absolute=True, digest="sha256")
        return f"{parts.scheme}://{parts.netloc}{quote(path)}{signed.removeprefix(path)}"

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientException as error:
            raise self._problem(error, action, key) from error
        except (requests.RequestException, OSError) as error:
            raise StoreProblem(
                Problem.UNREACHABLE,
                f"The store cannot be reached: {error}. Check the address of its identity service and the network.",
            ) from error

    def _problem(self, error: Any, action: str, key: str) -> StoreProblem | ObjectMissing:
        if error.http_status == 404 and key:
            return ObjectMissing(self.uri(key))
        if error.http_status == 404:
            return StoreProblem(
                Problem.CONTAINER,
                f"There is no container '{self._container}'. Create it, or correct its name.",
            )
        if error.http_status == 401 or str(error).startswith("Auth"):
            return StoreProblem(
                Problem.CREDENTIALS, "The store does not accept the user and password. Enter them again."
            )
        if error.http_status == 403:
            return StoreProblem(
                Problem.PERMISSION,
                f"The user may not {action} in container '{self._container}'. Give them a role there.",
            )
        return StoreProblem(Problem.FAILED, f"The store could not {action} {self.uri(key)}: {error}.")


def _segment_key(key: str, upload_id: str, number: int) -> str:
    return f"{key}.parts/{upload_id}/{number:05}"
