"""Writes of the data plane: uploads, properties, aliases, purging."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.services import record, record_change
from common import clock
from common.notices import publish_on_commit
from datastores import aliases, keeping
from datastores.background import erase_datum
from datastores.datasets.models import DatasetFile
from datastores.datasets.packaging.dropping import drop_with
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
    if datum is None or (datum.stored_at is None and datum.purged_at is not None):
        return None  # or given up: its bytes are being removed
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
        aliases.point(name=said.alias, datum=datum, actor=None)
    _tell_project(datum)
    return datum


@transaction.atomic
def purge_datum(*, datum: Datum, actor: User) -> None:
    """Delete the bytes and keep the record. Repeating it changes nothing.

    The bytes go after the commit; if that fails it is tried again every hour, until `erased_at` says that they are gone.
    Raises what `keeping.require_not_needed` does, such as for a file that a queued job needs.
    """
    require(actor, Capability.EDIT, datum.project)
    living = Datum.objects.filter(stored_at__isnull=False, purged_at__isnull=True)
    # Whoever begins to need the file locks its row as well.
    row = living.select_for_update(no_key=True).filter(pk=datum.pk).first()
    if row is not None:
        keeping.require_not_needed(row)
        row.purged_at = datum.purged_at = clock.now()
        row.save(update_fields=["purged_at", "updated_at"])
        facts = {"size_bytes": datum.size_bytes, "sha256": datum.sha256}
        record("datum.purged", actor=actor, target=datum, before=facts)
        drop_with(DatasetFile.objects.filter(datum=row))
        erase_on_commit(datum)
        _tell_project(datum)


def erase_on_commit(datum: Datum) -> None:
    """The broker may be away: the hourly clean-up finds what is purged and not erased."""
    transaction.on_commit(partial(erase_datum.apply_async, [str(datum.pk)], retry=False), robust=True)


@transaction.atomic
def apply_properties(*, datum: Datum, actor: User, values: Mapping[str, Any]) -> Datum:
    """Merge properties into those of the file; `valohai.tags` adds tags, `valohai.alias` moves an alias.

    Raises `PropertiesRefused`; then nothing is changed.
    """
    [row] = _apply_all(actor, [(datum, values)])
    return row


@transaction.atomic
def apply_properties_to_all(*, actor: User, changes: Sequence[tuple[Datum, Mapping[str, Any]]]) -> None:
    """All or nothing."""
    _apply_all(actor, changes)


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
    wanted = checked_alias(name)
    row = _locked(datum.pk)
    if row is None or row.purged_at:
        raise DatumPurged(datum.name)
    alias = _move_alias(project, actor, wanted, row)
    _tell_project(datum)
    return alias


@transaction.atomic
def delete_alias(*, alias: DatumAlias, actor: User) -> None:
    """The name means nothing any more; its history and the file stay. Repeating it changes nothing."""
    require(actor, Capability.EDIT, alias.project)
    removed = aliases.remove(alias=alias, actor=actor)
    if removed is not None:
        facts = {"datum": removed.datum_id, "file": str(removed.datum)} if removed.datum else {}
        record("alias.deleted", actor=actor, target=alias, before=facts)
        publish_on_commit(f"project:{alias.project_id}", "data")


def _apply_all(actor: User, changes: Sequence[tuple[Datum, Mapping[str, Any]]]) -> list[Datum]:
    """Files are locked in the order of their ids and aliases after them in the order of their names, so that two such calls do
    not wait for each other."""
    rows, moves = [], []
    for datum, values in sorted(changes, key=lambda change: change[0].pk):
        row, alias = _apply_values(datum, actor, values)
        rows.append(row)
        if alias:
            moves.append((alias, row))
    for alias, row in sorted(moves, key=lambda move: move[0].casefold()):
        _move_alias(row.project, actor, alias, row)
    return rows


def _apply_values(datum: Datum, actor: User, values: Mapping[str, Any]) -> tuple[Datum, str]:
    """The changed file, and the alias that shall move to it."""
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
    row.project = datum.project
    before = {"tags": row.tags, "properties": _values_of(row, said.properties)}
    _apply(row, said)
    row.save(update_fields=["tags", "properties", "updated_at"])
    after = {"tags": row.tags, "properties": _values_of(row, said.properties)}
    record_change("datum.changed", actor=actor, target=datum, before=before, after=after)
    _tell_project(row)
    return row, said.alias


def _locked(datum_id: UUID | str) -> Datum | None:
    return Datum.objects.select_for_update(no_key=True).filter(pk=datum_id).first()


def _apply(datum: Datum, said: Said) -> None:
    datum.tags = list(dict.fromkeys([*datum.tags, *said.tags]))
    datum.properties = {**datum.properties, **said.properties}


def _values_of(datum: Datum, names: Iterable[str]) -> dict[str, Any]:
    return {name: datum.properties[name] for name in names if name in datum.properties}


def _move_alias(project: Project, actor: User, name: str, datum: Datum) -> DatumAlias:
    """As somebody asked; what runs say of their own outputs is not in the audit log."""
    alias, known = aliases.point(name=name, datum=datum, actor=actor)
    alias.project = project
    record_change(
        "alias.set",
        actor=actor,
        target=alias,
        before={"datum": known.pk, "file": known.name} if known else {},
        after={"datum": datum.pk, "file": datum.name},
    )
    return alias


def _digest(text: str | None, length: int) -> str | None:
    """A checksum as a worker reports it; None for what cannot be one."""
    lower = (text or "").lower()
    return lower if len(lower) == length and _HEXADECIMAL.match(lower) else None


def _tell_project(datum: Datum) -> None:
    publish_on_commit(f"project:{datum.project_id}", "data")
