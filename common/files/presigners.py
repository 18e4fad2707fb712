"""Signed addresses per kind of platform storage. Cloud storages sign themselves; the file system is served by us."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.core.files.storage import FileSystemStorage

from common.files.tokens import FileToken, sign
from common.files.types import Download, Grant, Presigner

MOST_NAME_CHARACTERS = 150


def disposition(filename: str, inline: bool) -> str:
    """A Content-Disposition header for any name, RFC 6266."""
    ascii_name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in filename)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


class FilesystemPresigner:
    """Addresses under /files/, served by `common.web.files`."""

    def get(self, download: Download, base_url: str) -> Grant:
        token = FileToken(
            "GET",
            download.name,
            int(time.time()) + download.lifetime_seconds,
            download.content_type,
            download.inline,
        )
        return Grant("GET", self._url(base_url, token, download.filename))

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        token = FileToken("PUT", name, int(time.time()) + lifetime_seconds, size_bytes=size_bytes)
        return Grant("PUT", self._url(base_url, token, name))

    @staticmethod
    def _url(base_url: str, token: FileToken, filename: str) -> str:
        # Addresses have a practical limit; a name of a thousand characters would be most of one.
        shown = filename.rsplit("/", 1)[-1][-MOST_NAME_CHARACTERS:] or "file"
        return f"{base_url.rstrip('/')}/files/{sign(token, shown)}/{quote(shown, safe='')}"


class S3Presigner:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def get(self, download: Download, base_url: str) -> Grant:
        return Grant(
            "GET", self._sign("get_object", download.name, download.lifetime_seconds, _response(download))
        )

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        return Grant("PUT", self._sign("put_object", name, lifetime_seconds, {}))

    def _sign(self, operation: str, name: str, lifetime_seconds: int, extra: dict[str, str]) -> str:
        client = self._storage.connection.meta.client
        params = {"Bucket": self._storage.bucket_name, "Key": name, **extra}
        url: str = client.generate_presigned_url(operation, Params=params, ExpiresIn=lifetime_seconds)
        return url


def _response(download: Download) -> dict[str, str]:
    return {
        "ResponseContentDisposition": disposition(download.filename, download.inline),
        "ResponseContentType": download.content_type,
    }


class GooglePresigner:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def get(self, download: Download, base_url: str) -> Grant:
        url: str = self._storage.bucket.blob(download.name).generate_signed_url(
            version="v4",
            expiration=timedelta(seconds=download.lifetime_seconds),
            method="GET",
            response_disposition=disposition(download.filename, download.inline),
            response_type=download.content_type,
        )
        return Grant("GET", url)

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        url: str = self._storage.bucket.blob(name).generate_signed_url(
            version="v4", expiration=timedelta(seconds=lifetime_seconds), method="PUT"
        )
        return Grant("PUT", url)


class AzurePresigner:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def get(self, download: Download, base_url: str) -> Grant:
        parameters = {
            "content_disposition": disposition(download.filename, download.inline),
            "content_type": download.content_type,
        }
        url: str = self._storage.url(download.name, expire=download.lifetime_seconds, parameters=parameters)
        return Grant("GET", url)

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        url: str = self._storage.url(name, expire=lifetime_seconds, mode="w")
        return Grant("PUT", url, {"x-ms-blob-type": "BlockBlob"})


def presigner_for(storage: Any) -> Presigner:
    """The presigner of a Django storage. Told apart by class name, so that no cloud library is imported for it."""
    if isinstance(storage, FileSystemStorage):
        return FilesystemPresigner()
    by_class: dict[str, type[S3Presigner | GooglePresigner | AzurePresigner]] = {
        "S3Storage": S3Presigner,
        "GoogleCloudStorage": GooglePresigner,
        "AzureStorage": AzurePresigner,
    }
    for base in type(storage).__mro__:
        if base.__name__ in by_class:
            return by_class[base.__name__](storage)
    raise TypeError(
        f"{type(storage).__name__} cannot sign addresses. Use filesystem, s3, gcs or azure storage."
    )
