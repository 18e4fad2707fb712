"""The file system, served by the platform itself under `/files/` (see `common.files`)."""

import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from common.files.parts import finished_content, folder_of_upload, received_parts, write_part
from common.files.receiving import place
from common.files.tokens import FileToken, sign
from common.ids import new_token
from common.objectstores.types import (
    MEBIBYTE,
    Download,
    Grant,
    ObjectFacts,
    ObjectMissing,
    Part,
    UploadLimits,
)

MOST_NAME_CHARACTERS = 150
_BLOCK_BYTES = MEBIBYTE


class FilesystemStore:
    limits = UploadLimits(single_put_bytes=64 * MEBIBYTE)

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def uri(self, key: str) -> str:
        """Nobody but the platform can read it by an address."""
        return ""

    def key_in(self, uri: str) -> str | None:
        return None

    def grant_get(self, download: Download, *, base_url: str) -> Grant:
        token = FileToken(
            "GET", download.key, _expiry(download.lifetime_seconds), download.content_type, download.inline
        )
        return Grant("GET", _address(base_url, token, download.filename))

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        token = FileToken("PUT", key, _expiry(lifetime_seconds), size_bytes=size_bytes)
        return Grant("PUT", _address(base_url, token, key))

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
        token = FileToken(
            "PUT",
            key,
            _expiry(lifetime_seconds),
            size_bytes=size_bytes,
            upload_id=upload_id,
            part_number=number,
            offset=offset,
        )
        return Grant("PUT", _address(base_url, token, key))

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        write_part(upload_id, number, offset, content)
        return Part(number, len(content))

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        received = received_parts(upload_id)
        if any(received.get(part.number) != part.size_bytes for part in parts):
            raise ObjectMissing(f"A part of '{key}'")
        with finished_content(upload_id) as content:
            place(content, self._path(key))

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        shutil.rmtree(folder_of_upload(upload_id), ignore_errors=True)

    def facts(self, key: str) -> ObjectFacts | None:
        try:
            found = self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return ObjectFacts(key, found.st_size, modified, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        root = Path(self._storage.base_location)
        start = root / prefix.rpartition("/")[0]
        keys = sorted(path.relative_to(root).as_posix() for path in start.rglob("*") if path.is_file())
        for key in keys:
            found = self.facts(key) if key.startswith(prefix) and key > after else None
            if found is not None:
                yield found

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(key) from error
        with file:
            file.seek(first)
            left = most_bytes
            while block := file.read(_BLOCK_BYTES if left is None else min(_BLOCK_BYTES, left)):
                left = None if left is None else left - len(block)
                yield block

    def write(self, key: str, content: bytes) -> None:
        self._storage.delete(key)
        self._storage.save(key, ContentFile(content))

    def delete(self, key: str) -> None:
        self._storage.delete(key)

    def copy(self, source_key: str, target_key: str) -> None:
        target = self._path(target_key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(
                self._path(source_key)
            )  # stored files never change, so that both may share the bytes
        except FileNotFoundError as error:
            raise ObjectMissing(source_key) from error

    def _path(self, key: str) -> Path:
        return Path(self._storage.path(key))


def _expiry(lifetime_seconds: int) -> int:
    return int(time.time()) + lifetime_seconds


def _address(base_url: str, token: FileToken, filename: str) -> str:
    # Addresses have a practical limit; a name of a thousand characters would be most of one.
    shown = filename.rsplit("/", 1)[-1][-MOST_NAME_CHARACTERS:] or "file"
    return f"{base_url.rstrip('/')}/files/{sign(token, shown)}/{quote(shown, safe='')}"
