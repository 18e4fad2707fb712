"""Writes of the data plane: uploads, properties, aliases, purging."""

import logging
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from common import clock
from common.errors import DomainError
from common.files import Grant, presign_put
from common.ids import new_id
from common.notices import publish_on_commit
from datastores import properties
from datastores.background import delete_object
from datastores.errors import StoreReadOnly, UploadIncomplete
from datastores.models import DataStore, Datum, DatumAlias
from datastores.names import checked_name
from organizations.access import Capability, require
from projects.models import Project

logger = logging.getLogger(__name__)

ALIAS_MAX_LENGTH = 128


class AliasNameRefused(DomainError):
    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"An alias has 1 to {ALIAS_MAX_LENGTH} characters and no '/': {name[:100]!r} cannot be one."
        )


def reserve_upload(
    *,
    project: Project,
    execution_id: UUID | None,
    execution_counter: int | None,
    store: DataStore,
    name: str,
    size_bytes: int,
    base_url: str,
    uploader: User | None = None,
) -> tuple[Datum, Grant]:
    """A place for a file that is about to be uploaded, and the request that uploads it. Raises `NameRefused`."""
    if not store.allow_write:
        raise StoreReadOnly(store.name)
    clean_name = checked_name(name)
    datum_id = new_id()
    # Names are users' text and not unique; the id makes the key unique and keeps its length within bounds.
    key = f"data/{project.pk}/{datum_id}/{clean_name.rsplit('/', 1)[-1][-120:]}"
    datum = Datum.objects.create(
        id=datum_id,
        store=store,
        project=project,
        output_execution_id=execution_id,
        output_execution_counter=execution_counter,
        name=clean_name,
        key=key,
        size_bytes=size_bytes,
        uploader=uploader,
    )
    return datum, presign_put(key, base_url=base_url, size_bytes=size_bytes)


@transaction.atomic
def mark_stored(
    *,
    datum_id: UUID | str,
    size_bytes: int,
    md5: str | None,
    sha1: str | None,
    sha256: str | None,
    file_modified_at: datetime | None,
    metadata: dict[str, Any],
) -> Datum | None:
    """The upload is whole: from now on the file exists for everybody. None when there is no such reservation.

    Repeating it changes nothing. `metadata` is the sidecar of the file: `valohai.tags`, `valohai.alias`, and free
    properties; what cannot be used is kept out and logged, because the run that wrote it is over.
    """
    datum = Datum.objects.select_for_update().select_related("project").filter(pk=datum_id).first()
    if datum is None or datum.stored_at is not None:
        return datum
    sidecar = properties.read_sidecar(metadata)
    for complaint in sidecar.complaints:
        logger.warning("sidecar not understood", extra={"datum": str(datum.pk), "complaint": complaint})
    datum.size_bytes = size_bytes
    datum.md5, datum.sha1, datum.sha256 = md5, sha1, sha256
    datum.file_modified_at = file_modified_at
    datum.tags = sidecar.tags
    datum.properties = sidecar.properties
    datum.stored_at = clock.now()
    datum.save()
    if sidecar.alias:
        _point_alias(datum.project, sidecar.alias, datum)
    publish_on_commit(f"project:{datum.project_id}", "data")
    return datum


def complete_upload(*, datum: Datum, actor: User) -> Datum:
    """A browser or script says that its upload is whole; the store is asked before it is believed."""
    require(actor, Capability.RUN, datum.project)
    if not default_storage.exists(datum.key) or default_storage.size(datum.key) != datum.size_bytes:
        raise UploadIncomplete(datum.name)
    mark_stored(
        datum_id=datum.pk,
        size_bytes=datum.size_bytes,
        file_modified_at=None,
        metadata={},
        **properties.checksums(datum.key),
    )
    datum.refresh_from_db()
    return datum


@transaction.atomic
def purge_datum(*, datum: Datum, actor: User) -> None:
    """Delete the bytes and keep the record. Repeating it changes nothing."""
    require(actor, Capability.EDIT, datum.project)
    changed = Datum.objects.filter(pk=datum.pk, purged_at__isnull=True).update(purged_at=clock.now())
    if changed:
        transaction.on_commit(partial(delete_object.delay, datum.key))
        publish_on_commit(f"project:{datum.project_id}", "data")


@transaction.atomic
def apply_properties(*, datum: Datum, actor: User, values: dict[str, Any]) -> Datum:
    """Merge properties into those of the file; `valohai.tags` adds tags, `valohai.alias` moves an alias."""
    require(actor, Capability.EDIT, datum.project)
    sidecar = properties.read_sidecar(values)
    if sidecar.complaints:
        raise DomainError(" ".join(sidecar.complaints))
    datum.tags = list(dict.fromkeys([*datum.tags, *sidecar.tags]))
    datum.properties = {**datum.properties, **sidecar.properties}
    datum.save(update_fields=["tags", "properties", "updated_at"])
    if sidecar.alias:
        _point_alias(datum.project, sidecar.alias, datum)
    return datum


@transaction.atomic
def set_alias(*, project: Project, actor: User, name: str, datum: Datum) -> DatumAlias:
    """Create the alias or point it to another file."""
    require(actor, Capability.EDIT, project)
    if not name or len(name) > ALIAS_MAX_LENGTH or "/" in name:
        raise AliasNameRefused(name)
    return _point_alias(project, name, datum)


def _point_alias(project: Project, name: str, datum: Datum) -> DatumAlias:
    alias = DatumAlias.objects.select_for_update().filter(project=project, name__iexact=name).first()
    if alias is None:
        return DatumAlias.objects.create(project=project, name=name, datum=datum)
    alias.datum = datum
    alias.save(update_fields=["datum", "updated_at"])
    return alias
