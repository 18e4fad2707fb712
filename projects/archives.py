"""Snapshot archives of code in the platform's storage, and making them the same byte for byte each time."""

import gzip
import hashlib
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1024 * 1024
_COMPRESSION = 6


@dataclass(frozen=True)
class Archive:
    """A finished tar.gz on local disk."""

    path: Path
    sha256: str
    size_bytes: int


class TooLarge(Exception):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"more than {limit_bytes // 1024 // 1024} MB")


@contextmanager
def scratch() -> Iterator[Path]:
    """Where an archive may be made; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="snapshot-") as folder:
        yield Path(folder) / "code.tar.gz"


def compress(plain: IO[bytes], path: Path, *, limit_bytes: int) -> Archive:
    """The tar stream `plain`, gzipped into `path` without name and time; `TooLarge` past the limit."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as packed:
        taken = 0
        while chunk := plain.read(_CHUNK_BYTES):
            taken += len(chunk)
            if taken > limit_bytes:
                raise TooLarge(limit_bytes)
            packed.write(chunk)
    return Archive(path, sha256_of(path), path.stat().st_size)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def store(project_id: UUID, archive: Archive) -> str:
    """Put the archive into the platform's storage; its name there. The name says the content: storing again is free."""
    name = f"code/{project_id}/{archive.sha256}.tar.gz"
    if default_storage.exists(name):
        return name
    with archive.path.open("rb") as file:
        return default_storage.save(name, File(file))


def delete(names: Iterable[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            logger.warning("stored file not deleted", extra={"file": name}, exc_info=True)
