"""Writes of the data plane: uploads, properties, aliases, purging."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.services import record, record_change
from common import clock
from common.notices import publish_on_commit
from datastores.background import erase_datum
from datastores.datasets.wishes import WISHES_KEY
from datastores.errors import (
    DatumNotFound,
    DatumPurged,
    PropertiesRefused,
)
from datastores.models import Datum, DatumAlias
from datastores.names import checked_alias
from datastores.properties import Said, read_metadata
from organizations.access import Capability, require
from projects.models import Project

logger = logging.getLogger(__name__)

_HEXADECIMAL = re.compile(r"\A[0-9a-f]+\Z")


@transaction.atomic
def mark_stored(
    *,
    datum_id: UUID | str,
    size_bytes: int,
    md5: str | None,
    sha1: str | None,
    sha256: str | None,
    file_modified_at: datetime | None,
    metadata: Mapping[str, Any],
) -> Datum | None:
    """The upload is whole: from now on the file exists for everybody. None when there is no such reservation.

    Content and checksums are written once; saying it again only adds metadata. What is wrong with the metadata is kept in
    `metadata_errors` and is not fatal, because the run that wrote it is over.
    """
    datum = _locked(datum_id)
    if datum is None:
        return None
    if datum.stored_at is None:
        datum.size_bytes = size_bytes
        datum.md5, datum.sha1, datum.sha256 = _digest(md5, 32), _digest(sha1, 40), _digest(sha256, 64)
        datum.file_modified_at = file_modified_at
        datum.stored_at = clock.now()
    said = read_metadata(metadata)
    datum.metadata_errors = list(dict.fromkeys([*datum.metadata_errors, *said.complaints]))
    datum.dataset_versions = said.dataset_versions or datum.dataset_versions
    _apply(datum, said)
    datum.save()
    if said.alias:
        _point_alias(datum.project_id, said.alias, datum)
    _tell_project(datum)
    return datum


@transaction.atomic
def purge_datum(*, datum: Datum, actor: User) -> None:
    """Delete the bytes and keep the record. Repeating it changes nothing.

    The bytes go after the commit; if that fails it is tried again every hour, until `erased_at` says that they are gone.
    """
    require(actor, Capability.EDIT, datum.project)
    now = clock.now()
    living = Datum.objects.filter(pk=datum.pk, stored_at__isnull=False, purged_at__isnull=True)
    if living.update(purged_at=now, updated_at=now):
        datum.purged_at = now
        facts = {"size_bytes": datum.size_bytes, "sha256": datum.sha256}
        record("datum.purged", actor=actor, target=datum, before=facts)
        transaction.on_commit(partial(erase_datum.apply_async, [str(datum.pk)], retry=False), robust=True)
        _tell_project(datum)


@transaction.atomic
def apply_properties(*, datum: Datum, actor: User, values: Mapping[str, Any]) -> Datum:
    """Merge properties into those of the file; `valohai.tags` adds tags, `valohai.alias` moves an alias.

    Raises `PropertiesRefused`; then nothing is changed.
    """
    require(actor, Capability.EDIT, datum.project)
    said = read_metadata(values)
    if said.complaints:
        raise PropertiesRefused(" ".join(said.complaints))
    if said.dataset_versions:
        raise PropertiesRefused(
            f"{WISHES_KEY} works in what a run writes of its outputs. To make a version of files that are there, use the page "
            "Datasets or POST /api/v0/dataset-versions/."
        )
    row = _locked(datum.pk)
    if row is None:
        raise DatumNotFound(datum.pk)
    before = {"tags": row.tags, "properties": _values_of(row, said.properties)}
    _apply(row, said)
    row.save(update_fields=["tags", "properties", "updated_at"])
    after = {"tags": row.tags, "properties": _values_of(row, said.properties)}
    record_change("datum.changed", actor=actor, target=datum, before=before, after=after)
    if said.alias:
        _move_alias(datum.project, actor, said.alias, datum)
    _tell_project(row)
    return row


@transaction.atomic
def apply_properties_to_all(*, actor: User, changes: Sequence[tuple[Datum, Mapping[str, Any]]]) -> None:
    """All or nothing. Rows are locked in the order of their ids, so that two such calls do not wait for each other."""
    for datum, values in sorted(changes, key=lambda change: change[0].pk):
        apply_properties(datum=datum, actor=actor, values=values)


@transaction.atomic
def set_alias(*, project: Project, actor: User, name: str, datum: Datum) -> DatumAlias:
    """Create the alias or point it to another file of the project.

    Raises `AliasNameRefused`, `DatumPurged` or `DatumNotFound`.
    """
    require(actor, Capability.EDIT, project)
    if datum.project_id != project.pk:
        raise DatumNotFound(datum.pk)
    if datum.purged_at:
        raise DatumPurged(datum.name)
    alias = _move_alias(project, actor, checked_alias(name), datum)
    _tell_project(datum)
    return alias


def _locked(datum_id: UUID | str) -> Datum | None:
    return Datum.objects.select_for_update(no_key=True).filter(pk=datum_id).first()


def _apply(datum: Datum, said: Said) -> None:
    datum.tags = list(dict.fromkeys([*datum.tags, *said.tags]))
    datum.properties = {**datum.properties, **said.properties}


def _values_of(datum: Datum, names: Iterable[str]) -> dict[str, Any]:
    return {name: datum.properties[name] for name in names if name in datum.properties}


def _move_alias(project: Project, actor: User, name: str, datum: Datum) -> DatumAlias:
    """As somebody asked; what runs say of their own outputs is not in the audit log."""
    known = DatumAlias.objects.filter(project=project, name__iexact=name).select_related("datum").first()
    before = {"datum": known.datum_id, "file": str(known.datum)} if known else {}
    alias = _point_alias(project.pk, name, datum)
    alias.project = project
    record_change(
        "alias.set",
        actor=actor,
        target=alias,
        before=before,
        after={"datum": datum.pk, "file": datum.name},
    )
    return alias


def _point_alias(project_id: UUID, name: str, datum: Datum) -> DatumAlias:
    known = DatumAlias.objects.filter(project_id=project_id, name__iexact=name)
    if not known.update(datum=datum, updated_at=clock.now()):
        try:
            with transaction.atomic():
                return DatumAlias.objects.create(project_id=project_id, name=name, datum=datum)
        except IntegrityError:  # somebody else created it just now
            known.update(datum=datum, updated_at=clock.now())
    return known.get()


def _digest(text: str | None, length: int) -> str | None:
    """A checksum as a worker reports it; None for what cannot be one."""
    lower = (text or "").lower()
    return lower if len(lower) == length and _HEXADECIMAL.match(lower) else None


def _tell_project(datum: Datum) -> None:
    publish_on_commit(f"project:{datum.project_id}", "data")
