"""Google Cloud Storage. Parts of an upload are objects of their own until they are composed."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, RetryError, Unauthorized
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError

from common.ids import new_token
from common.objectstores.addresses import key_of, uri_of
from common.objectstores.headers import disposition
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

SCHEME = "gs"
MOST_COMPOSED = 32
"""Sources of one compose request."""
_BLOCK_BYTES = MEBIBYTE


class GoogleStore:
    """`bucket` is a bucket of google-cloud-storage whose client can sign: its credentials hold a private key."""

    limits = UploadLimits(single_put_bytes=5 * 1024 * MEBIBYTE, most_parts=1024)

    def __init__(self, bucket: Any, *, endpoint_url: str = "") -> None:
        self._bucket = bucket
        self._endpoint = {"api_access_endpoint": endpoint_url} if endpoint_url else {}

    def uri(self, key: str) -> str:
        return uri_of(SCHEME, self._bucket.name, key)

    def key_in(self, uri: str) -> str | None:
        return key_of(uri, SCHEME, self._bucket.name)

    def grant_get(self, download: Download, *, base_url: str) -> Grant:
        url = self._sign(
            download.key,
            "GET",
            download.lifetime_seconds,
            response_disposition=disposition(download.filename, inline=download.inline),
            response_type=download.content_type,
        )
        return Grant("GET", url)

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        # The store refuses a body outside the signed range.
        headers = {} if size_bytes is None else {"x-goog-content-length-range": f"0,{size_bytes}"}
        return Grant("PUT", self._sign(key, "PUT", lifetime_seconds, headers=headers), headers)

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
        return Grant("PUT", self._sign(_part_key(key, upload_id, number), "PUT", lifetime_seconds))

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        self.write(_part_key(key, upload_id, number), content)
        return Part(number, len(content))

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        sources = [self._bucket.blob(_part_key(key, upload_id, part.number)) for part in parts]
        made = list(sources)
        with self._explained("finish an upload", key):
            level = 0
            while len(sources) > MOST_COMPOSED:
                sources = self._composed_in_groups(sources, f"{key}.parts/{upload_id}/level{level}")
                made += sources
                level += 1
            self._bucket.blob(key).compose(sources)
        for blob in made:
            self.delete(blob.name)

    def _composed_in_groups(self, sources: list[Any], prefix: str) -> list[Any]:
        groups = [sources[i : i + MOST_COMPOSED] for i in range(0, len(sources), MOST_COMPOSED)]
        composed = []
        for number, group in enumerate(groups):
            blob = self._bucket.blob(f"{prefix}-{number:05}")
            blob.compose(group)
            composed.append(blob)
        return composed

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        for number in range(1, part_count + 1):
            self.delete(_part_key(key, upload_id, number))

    def facts(self, key: str) -> ObjectFacts | None:
        with self._explained("read", key):
            blob = self._bucket.get_blob(key)
        return _facts(blob) if blob is not None else None

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        with self._explained("list", prefix):
            for blob in self._bucket.list_blobs(prefix=prefix, start_offset=after or None):
                if blob.name > after:  # the offset itself is listed, too
                    yield _facts(blob)

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        with self._explained("read", key):
            blob = self._bucket.get_blob(key)
            if blob is None:
                raise ObjectMissing(self.uri(key))
            end = blob.size if most_bytes is None else min(blob.size, first + most_bytes)
            while first < end:
                last = min(first + _BLOCK_BYTES, end) - 1
                # As it is stored: what is compressed there may be a thousand times as large.
                yield blob.download_as_bytes(start=first, end=last, raw_download=True)
                first = last + 1

    def write(self, key: str, content: bytes) -> None:
        with self._explained("write", key):
            self._bucket.blob(key).upload_from_string(content, "application/octet-stream")

    def delete(self, key: str) -> None:
        try:
            with self._explained("delete", key):
                self._bucket.blob(key).delete()
        except ObjectMissing:
            return

    def copy(self, source_key: str, target_key: str) -> None:
        with self._explained("copy", source_key):
            self._bucket.copy_blob(self._bucket.blob(source_key), self._bucket, target_key)

    def _sign(self, key: str, method: str, lifetime_seconds: int, **options: Any) -> str:
        with self._explained("sign an address", key):
            url: str = self._bucket.blob(key).generate_signed_url(
                version="v4",
                expiration=timedelta(seconds=lifetime_seconds),
                method=method,
                **self._endpoint,
                **options,
            )
        return url

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[None]:
        name = self._bucket.name
        try:
            yield
        except NotFound as error:
            if "bucket" in str(error).lower() and "/o/" not in str(error):
                raise StoreProblem(
                    Problem.CONTAINER, f"There is no bucket '{name}'. Create it, or correct its name."
                ) from error
            raise ObjectMissing(self.uri(key)) from error
        except Forbidden as error:
            raise StoreProblem(
                Problem.PERMISSION,
                f"The service account may not {action} in bucket '{name}'. Give it the role Storage Object Admin there.",
            ) from error
        except (Unauthorized, RefreshError) as error:
            raise StoreProblem(
                Problem.CREDENTIALS, "Google does not accept the service account's key. Make a new one."
            ) from error
        except (TransportError, RetryError, requests.ConnectionError, requests.Timeout) as error:
            raise StoreProblem(
                Problem.UNREACHABLE,
                "Google Cloud Storage cannot be reached. Check the network of the server.",
            ) from error
        except (GoogleAPIError, GoogleAuthError) as error:
            raise StoreProblem(
                Problem.FAILED, f"The store could not {action} {self.uri(key)}: {error}."
            ) from error


def _part_key(key: str, upload_id: str, number: int) -> str:
    return f"{key}.parts/{upload_id}/{number:05}"


def _facts(blob: Any) -> ObjectFacts:
    md5 = _hexadecimal(blob.md5_hash) if blob.md5_hash else None
    return ObjectFacts(blob.name, blob.size, blob.updated, (blob.etag or "").strip('"'), md5)


def _hexadecimal(base64_text: str) -> str:
    return base64.b64decode(base64_text).hex()
