"""Uploads: a place is reserved, the bytes go straight to the store, and the store is asked before the file exists.

Large files go in parts, which may be sent at the same time, in any order, and again after an interruption.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.services import record
from common.errors import DomainError
from common.ids import new_id
from common.objectstores import Grant, ObjectMissing, ObjectStore, Part, part_extents, part_size
from datastores import objects
from datastores.background import add_checksums
from datastores.errors import ChecksumWrong, DatumNotFound, StoreReadOnly, UploadFinished, UploadIncomplete
from datastores.models import DataStore, Datum
from datastores.names import checked_name
from datastores.opening import object_store
from datastores.services import mark_stored
from organizations.access import Capability, require
from projects.models import Project

logger = logging.getLogger(__name__)

IN_PARTS_FROM_BYTES = 64 * 1024 * 1024
HASHED_AT_ONCE_BYTES = 100 * 1024 * 1024
"""Larger uploads get their checksums in the background, so that their sender need not wait for them."""


@dataclass(frozen=True)
class NewFile:
    name: str
    size_bytes: int


@dataclass(frozen=True)
class PartGrant:
    number: int
    offset: int
    size_bytes: int
    grant: Grant


@dataclass(frozen=True)
class Reservation:
    """Where one file goes: by one request, or, with `parts`, by one for each part."""

    datum: Datum
    grant: Grant | None = None
    parts: list[PartGrant] = field(default_factory=list)


def reserve_uploads(
    *,
    project: Project,
    store: DataStore,
    files: Sequence[NewFile],
    base_url: str,
    execution: tuple[UUID, int] | None = None,
    uploader: User | None = None,
    sender_knows_parts: bool = True,
) -> list[Reservation]:
    """Places for files that are about to be uploaded, in one statement. `execution` is the id and number of the run that
    makes them. Raises `NameRefused`, `StoreReadOnly` or `StoreProblem`; then nothing is reserved.
    """
    if not store.allow_write:
        raise StoreReadOnly(store.name)
    place = object_store(store)
    execution_id, execution_counter = execution or (None, None)
    rows = []
    for file in files:
        datum_id = new_id()
        row = Datum(
            id=datum_id,
            store=store,
            project=project,
            output_execution_id=execution_id,
            output_execution_counter=execution_counter,
            name=checked_name(file.name),
            key=objects.key_of(project.pk, datum_id),
            size_bytes=file.size_bytes,
            upload_id="",
            uploader=uploader,
        )
        if sender_knows_parts and file.size_bytes >= IN_PARTS_FROM_BYTES:
            row.upload_part_bytes = part_size(file.size_bytes, place.limits)
        rows.append(row)
    with _abandoned_when_refused(place, rows):
        for row in rows:
            if row.upload_part_bytes:
                row.upload_id = place.start_upload(row.key)
        reservations = [_reservation(row, place, base_url) for row in rows]
        Datum.objects.bulk_create(rows)
    return reservations


@contextmanager
def _abandoned_when_refused(place: ObjectStore, rows: Sequence[Datum]) -> Iterator[None]:
    """What was started of uploads in parts is taken back when not all of them can begin: nothing would remember it."""
    try:
        yield
    except Exception:
        for row in rows:
            if row.upload_id:
                _abandon(place, row)
        raise


def _abandon(place: ObjectStore, row: Datum) -> None:
    try:
        part_count = len(part_extents(row.size_bytes, row.upload_part_bytes or row.size_bytes))
        place.abandon_upload(row.key, upload_id=row.upload_id, part_count=part_count)
    except DomainError as error:
        logger.warning("started upload stays", extra={"key": row.key, "reason": error.message})


def _reservation(datum: Datum, place: ObjectStore, base_url: str) -> Reservation:
    if datum.upload_id:
        return Reservation(datum, parts=_part_grants(datum, place, base_url))
    grant = place.grant_put(
        datum.key,
        size_bytes=datum.size_bytes,
        lifetime_seconds=settings.FILE_URL_LIFETIME_SECONDS,
        base_url=base_url,
    )
    return Reservation(datum, grant)


def renew(datum: Datum, *, base_url: str) -> Reservation:
    """The same place with fresh addresses, for a sender that was interrupted or slow.

    Raises `UploadFinished` once the file is there: files never change.
    """
    if datum.stored_at is not None or datum.purged_at is not None:
        raise UploadFinished(datum.name)
    return _reservation(datum, object_store(datum.store), base_url)


def _part_grants(datum: Datum, place: ObjectStore, base_url: str) -> list[PartGrant]:
    extents = part_extents(datum.size_bytes, datum.upload_part_bytes or datum.size_bytes)
    return [
        PartGrant(
            number,
            offset,
            size,
            place.grant_part(
                datum.key,
                upload_id=datum.upload_id,
                number=number,
                offset=offset,
                size_bytes=size,
                lifetime_seconds=settings.FILE_URL_LIFETIME_SECONDS,
                base_url=base_url,
            ),
        )
        for number, (offset, size) in enumerate(extents, start=1)
    ]


def finish_parts(datum: Datum, etags: Mapping[int, str]) -> None:
    """Every part is there: make them one object. `etags` is what the store answered to each part, by number.

    Repeating it changes nothing. Raises `UploadIncomplete` when a part is missing, or `StoreProblem`.
    """
    if not datum.upload_id or objects.is_whole(datum):
        return
    extents = part_extents(datum.size_bytes, datum.upload_part_bytes or datum.size_bytes)
    if set(etags) != set(range(1, len(extents) + 1)):
        raise UploadIncomplete(datum.name)
    parts = [Part(number, size, etags[number]) for number, (_, size) in enumerate(extents, start=1)]
    try:
        object_store(datum.store).finish_upload(datum.key, upload_id=datum.upload_id, parts=parts)
    except ObjectMissing as error:
        # A store that was slow to say that it had finished knows nothing of the upload when it is asked again.
        if not objects.is_whole(datum):
            raise UploadIncomplete(datum.name) from error
        return
    if not objects.is_whole(datum):
        raise UploadIncomplete(datum.name)


def complete_upload(
    *, datum: Datum, actor: User, sha256: str = "", etags: Mapping[int, str] | None = None
) -> Datum:
    """A browser or script says that its upload is whole; the store is asked before it is believed.

    Raises `UploadIncomplete`, or `ChecksumWrong` when the content does not have the given SHA-256.
    """
    require(actor, Capability.RUN, datum.project)
    finish_parts(datum, etags or {})
    if not objects.is_whole(datum):
        raise UploadIncomplete(datum.name)
    if datum.stored_at is not None:
        return datum
    hash_now = bool(sha256) or datum.size_bytes <= HASHED_AT_ONCE_BYTES
    digests: Mapping[str, Any] = (
        objects.checksums(datum) if hash_now else {"md5": None, "sha1": None, "sha256": None}
    )
    if sha256 and sha256.lower() != digests["sha256"]:
        raise ChecksumWrong(datum.name)
    with transaction.atomic():
        stored = mark_stored(
            datum_id=datum.pk, size_bytes=datum.size_bytes, file_modified_at=None, metadata={}, **digests
        )
        if stored is None:
            raise DatumNotFound(datum.pk)
        facts = {"size_bytes": stored.size_bytes, "sha256": stored.sha256}
        record("datum.uploaded", actor=actor, target=stored, after=facts)
    if not hash_now:
        transaction.on_commit(partial(add_checksums.apply_async, [str(datum.pk)], retry=False), robust=True)
    return stored


def etags_from(parts: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """What a sender reports of its parts: `[{"number", "etag"}]`."""
    return {int(part["number"]): str(part.get("etag") or "").strip('"') for part in parts}
