"""Objects of datums in their stores: where they are, whether they are whole, what they hash to."""

import hashlib
import re
from typing import TypedDict
from uuid import UUID

from datastores.models import Datum
from datastores.opening import object_store

FOLDER = "data"
_OWN_KEY = re.compile(
    r"data/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\Z|\.parts/)"
)


class Checksums(TypedDict):
    md5: str
    sha1: str
    sha256: str


def key_of(project_id: UUID, datum_id: UUID) -> str:
    """Names of files never become names of objects: they are users' text, and too long for some storages. Of packages it is
    the version and the package."""
    return f"{FOLDER}/{project_id}/{datum_id}"


def is_own_key(key: str) -> bool:
    """Whether the platform wrote the object, or a part of it. Which project may read it, its datum says, and not the store."""
    return _OWN_KEY.match(key) is not None


def is_whole(datum: Datum) -> bool:
    found = object_store(datum.store).facts(datum.key)
    return found is not None and found.size_bytes == datum.size_bytes


def checksums(datum: Datum) -> Checksums:
    """Read in blocks, whatever the size."""
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    sha256 = hashlib.sha256()
    for block in object_store(datum.store).read(datum.key):
        for digest in (md5, sha1, sha256):
            digest.update(block)
    return {"md5": md5.hexdigest(), "sha1": sha1.hexdigest(), "sha256": sha256.hexdigest()}


def remove(datum: Datum) -> None:
    """The object, and what arrived of an upload in parts. Repeating it changes nothing."""
    store = object_store(datum.store)
    if datum.upload_id and datum.stored_at is None:
        part_count = -(-datum.size_bytes // (datum.upload_part_bytes or 1))
        store.abandon_upload(datum.key, upload_id=datum.upload_id, part_count=part_count)
    store.delete(datum.key)
