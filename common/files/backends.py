"""What differs between the kinds of platform storage. Cloud storages sign addresses themselves; the file system is served
by `common.files.asgi`. The cloud libraries are django-storages' own; none is imported here."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.core.files.storage import FileSystemStorage

from common.files.tokens import FileToken, sign
from common.files.types import Backend, Download, Grant

MOST_NAME_CHARACTERS = 150


def disposition(filename: str, inline: bool) -> str:
    """A Content-Disposition header for any name, RFC 6266."""
    ascii_name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in filename)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


class FilesystemBackend:
    """Addresses under /files/."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

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

    def read_start(self, name: str, most_bytes: int) -> bytes:
        with self._storage.open(name) as file:
            content: bytes = file.read(most_bytes)
            return content

    @staticmethod
    def _url(base_url: str, token: FileToken, filename: str) -> str:
        # Addresses have a practical limit; a name of a thousand characters would be most of one.
        shown = filename.rsplit("/", 1)[-1][-MOST_NAME_CHARACTERS:] or "file"
        return f"{base_url.rstrip('/')}/files/{sign(token, shown)}/{quote(shown, safe='')}"


class S3Backend:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def get(self, download: Download, base_url: str) -> Grant:
        return Grant(
            "GET", self._sign("get_object", download.name, download.lifetime_seconds, _response(download))
        )

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        return Grant("PUT", self._sign("put_object", name, lifetime_seconds, {}))

    def read_start(self, name: str, most_bytes: int) -> bytes:
        client = self._storage.connection.meta.client
        span = f"bytes=0-{most_bytes - 1}"
        try:
            found = client.get_object(Bucket=self._storage.bucket_name, Key=name, Range=span)
        except client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(name) from error
        content: bytes = found["Body"].read()
        return content

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


class GoogleBackend:
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

    def read_start(self, name: str, most_bytes: int) -> bytes:
        blob = self._storage.bucket.get_blob(name)
        if blob is None:
            raise FileNotFoundError(name)
        content: bytes = blob.download_as_bytes(end=most_bytes - 1)
        return content


class AzureBackend:
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

    def read_start(self, name: str, most_bytes: int) -> bytes:
        blob = self._storage.client.get_blob_client(name)
        if not blob.exists():
            raise FileNotFoundError(name)
        content: bytes = blob.download_blob(offset=0, length=most_bytes).readall()
        return content


def backend_for(storage: Any) -> Backend:
    """The backend of a Django storage. Told apart by class name, so that no cloud library is imported for it."""
    if isinstance(storage, FileSystemStorage):
        return FilesystemBackend(storage)
    by_class: dict[str, type[S3Backend | GoogleBackend | AzureBackend]] = {
        "S3Storage": S3Backend,
        "GoogleCloudStorage": GoogleBackend,
        "AzureStorage": AzureBackend,
    }
    for base in type(storage).__mro__:
        if base.__name__ in by_class:
            return by_class[base.__name__](storage)
    raise TypeError(
        f"{type(storage).__name__} cannot sign addresses. Use filesystem, s3, gcs or azure storage."
    )
