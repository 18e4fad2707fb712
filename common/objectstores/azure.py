"""Azure Blob Storage: block blobs of one container."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import BlobBlock, BlobSasPermissions, generate_blob_sas

from common import clock
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

SCHEME = "azure"
_CLOCKS_DIFFER = timedelta(minutes=15)


class AzureStore:
    """`container` is a `ContainerClient` of the account, opened with the same credential.

    The account's key signs for one blob and one kind of request, for a while. A SAS token cannot be narrowed: with one, every
    grant carries the token itself, is good for as long and as much as it, and says nothing of name and type of a download.
    """

    limits = UploadLimits(single_put_bytes=5000 * MEBIBYTE, most_parts=50_000)

    def __init__(self, container: Any, account: str, *, account_key: str = "", sas_token: str = "") -> None:
        self._container = container
        self._account = account
        self._account_key = account_key
        self._sas_token = sas_token

    def uri(self, key: str) -> str:
        return uri_of(SCHEME, f"{self._account}/{self._container.container_name}", key)

    def key_in(self, uri: str) -> str | None:
        return key_of(uri, SCHEME, f"{self._account}/{self._container.container_name}")

    def grant_get(self, download: Download, *, base_url: str) -> Grant:
        url = self._sign(
            download.key,
            BlobSasPermissions(read=True),
            download.lifetime_seconds,
            content_disposition=disposition(download.filename, inline=download.inline),
            content_type=download.content_type,
        )
        return Grant("GET", url)

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        url = self._sign(key, BlobSasPermissions(create=True, write=True), lifetime_seconds)
        return Grant("PUT", url, {"x-ms-blob-type": "BlockBlob"})

    def start_upload(self, key: str) -> str:
        return new_token()[:16]

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
        url = self._sign(key, BlobSasPermissions(create=True, write=True), lifetime_seconds)
        block = quote(_block_id(upload_id, number), safe="")
        return Grant("PUT", f"{url}&comp=block&blockid={block}")

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        with self._explained("write", key):
            self._blob(key).stage_block(_raw_block_id(upload_id, number), content)
        return Part(number, len(content))

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        blocks = [BlobBlock(_raw_block_id(upload_id, part.number)) for part in parts]
        with self._explained("finish an upload", key):
            self._blob(key).commit_block_list(blocks)

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        """Nothing to do: the store forgets blocks that were not committed after a week."""

    def facts(self, key: str) -> ObjectFacts | None:
        try:
            with self._explained("read", key):
                found = self._blob(key).get_blob_properties()
        except ObjectMissing:
            return None
        return _facts(found)

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        """The service cannot begin at a key: what comes before `after` is listed and passed over, 5000 at a time."""
        with self._explained("list", prefix):
            for found in self._container.list_blobs(name_starts_with=prefix):
                if found.name > after:
                    yield _facts(found)

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        with self._explained("read", key):
            try:
                # As it is stored: what is compressed there may be a thousand times as large.
                found = self._blob(key).download_blob(offset=first, length=most_bytes, decompress=False)
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                return  # the object ends before `first`
            yield from found.chunks()

    def write(self, key: str, content: bytes) -> None:
        with self._explained("write", key):
            self._blob(key).upload_blob(content, overwrite=True)

    def delete(self, key: str) -> None:
        try:
            with self._explained("delete", key):
                self._blob(key).delete_blob()
        except ObjectMissing:
            return

    def copy(self, source_key: str, target_key: str) -> None:
        source = self._sign(source_key, BlobSasPermissions(read=True), 3600)
        with self._explained("copy", source_key):
            self._blob(target_key).start_copy_from_url(source)

    def _blob(self, key: str) -> Any:
        return self._container.get_blob_client(key)

    def _sign(
        self,
        key: str,
        permission: BlobSasPermissions,
        lifetime_seconds: int,
        *,
        content_disposition: str | None = None,
        content_type: str | None = None,
    ) -> str:
        if self._sas_token:
            return f"{self._blob(key).url}?{self._sas_token}"
        now = clock.now()
        try:
            signature = generate_blob_sas(
                account_name=self._account,
                container_name=self._container.container_name,
                blob_name=key,
                account_key=self._account_key,
                permission=permission,
                start=now - _CLOCKS_DIFFER,
                expiry=now + timedelta(seconds=lifetime_seconds),
                content_disposition=content_disposition,
                content_type=content_type,
            )
        except ValueError as error:  # no Base64
            raise StoreProblem(
                Problem.CREDENTIALS, "The account's key is not complete. Copy it again from the Azure portal."
            ) from error
        return f"{self._blob(key).url}?{signature}"

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[None]:
        container = self._container.container_name
        try:
            yield
        except ResourceNotFoundError as error:
            if getattr(error, "error_code", "") == "ContainerNotFound":
                raise StoreProblem(
                    Problem.CONTAINER, f"There is no container '{container}'. Create it, or correct its name."
                ) from error
            raise ObjectMissing(self.uri(key)) from error
        except ClientAuthenticationError as error:
            raise StoreProblem(
                Problem.CREDENTIALS,
                "The store does not accept the account's name and key, or the SAS token. Enter both again; if they are right, "
                "compare the server's clock with the real time.",
            ) from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise StoreProblem(
                Problem.UNREACHABLE,
                f"The store cannot be reached: {error}. Check the account's name and the network between them.",
            ) from error
        except HttpResponseError as error:
            if error.status_code == 403:
                raise StoreProblem(
                    Problem.PERMISSION,
                    f"The credentials may not {action} in container '{container}'. A SAS token needs the "
                    "permissions read, add, create, write, delete and list.",
                ) from error
            if getattr(error, "error_code", "") == "InvalidBlockList":
                raise ObjectMissing(self.uri(key)) from error
            raise self._failed(action, key, error) from error
        except AzureError as error:
            raise self._failed(action, key, error) from error

    def _failed(self, action: str, key: str, error: AzureError) -> StoreProblem:
        return StoreProblem(Problem.FAILED, f"The store could not {action} {self.uri(key)}: {error}.")


def checked_sas(text: str) -> str:
    """The token, also out of a whole address as the portal shows it. Raises `StoreProblem` when it is none, or is over."""
    token = text.strip().rpartition("?")[2]
    if not token:
        return ""
    fields = parse_qs(token)
    if "sig" not in fields or not token.isascii() or not token.isprintable():
        raise StoreProblem(
            Problem.CREDENTIALS, "The SAS token is not complete. Copy it again; it holds 'sig=' and 'se='."
        )
    try:
        ends = datetime.fromisoformat(fields["se"][0])
    except (KeyError, ValueError):
        return token  # by a stored policy of the container; the store knows its end
    ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    if ends < clock.now():
        raise StoreProblem(
            Problem.CREDENTIALS, f"The SAS token has expired on {ends:%Y-%m-%d}. Enter a new one."
        )
    return token


def _raw_block_id(upload_id: str, number: int) -> str:
    """All of one blob must have the same length."""
    return f"{upload_id}-{number:06}"


def _block_id(upload_id: str, number: int) -> str:
    return base64.b64encode(_raw_block_id(upload_id, number).encode()).decode()


def _facts(found: Any) -> ObjectFacts:
    md5 = found.content_settings.content_md5
    return ObjectFacts(
        found.name,
        found.size,
        found.last_modified,
        (found.etag or "").strip('"'),
        bytes(md5).hex() if md5 else None,
    )
