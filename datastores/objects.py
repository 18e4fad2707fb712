"""Objects of datums in the platform's storage: where they are, whether they are whole, what they hash to."""

import hashlib
from typing import TypedDict
from uuid import UUID

from django.core.files.storage import default_storage

FOLDER = "data"
_BLOCK_BYTES = 1024 * 1024


class Checksums(TypedDict):
    md5: str
    sha1: str
    sha256: str


def key_of(project_id: UUID, datum_id: UUID) -> str:
    """Names of files never become names of objects: they are users' text, and too long for some storages."""
    return f"{FOLDER}/{project_id}/{datum_id}"


def is_whole(key: str, size_bytes: int) -> bool:
    return default_storage.exists(key) and default_storage.size(key) == size_bytes


def checksums(key: str) -> Checksums:
    """Read in blocks, whatever the size."""
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    sha256 = hashlib.sha256()
    with default_storage.open(key) as file:
        while block := file.read(_BLOCK_BYTES):
            for digest in (md5, sha1, sha256):
                digest.update(block)
    return {"md5": md5.hexdigest(), "sha1": sha1.hexdigest(), "sha256": sha256.hexdigest()}
