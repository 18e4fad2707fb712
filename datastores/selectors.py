"""Reads of the data plane. Lists start from what the user may see; a file is there once it is whole in its store."""

import mimetypes
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from common.files import Grant, presign_get
from datastores.errors import (
    AliasNotFound,
    DatumNotFound,
    DatumPurged,
    InputNotFound,
    InputSchemeUnsupported,
    StoreNotFound,
)
from datastores.models import DataStore, Datum, DatumAlias
from datastores.types import InputFile
from organizations.access import visible_to
from projects.models import Project

DEFAULT_STORE_NAME = "default"


def datums_for(user: User | AnonymousUser) -> QuerySet[Datum]:
    return Datum.objects.filter(visible_to(user, via="project"), stored_at__isnull=False).select_related(
        "store", "project", "project__owner"
    )


def get_datum(user: User | AnonymousUser, datum_id: UUID | str) -> Datum:
    datum = datums_for(user).filter(pk=_id(datum_id)).first()
    if datum is None:
        raise DatumNotFound(datum_id)
    return datum


def get_reservation(user: User, datum_id: UUID | str) -> Datum:
    """A place that `user` reserved for an upload, finished or not."""
    datum = (
        Datum.objects.filter(visible_to(user, via="project"), pk=_id(datum_id), uploader=user)
        .select_related("project", "project__owner")
        .first()
    )
    if datum is None:
        raise DatumNotFound(datum_id)
    return datum


def aliases_for(user: User | AnonymousUser) -> QuerySet[DatumAlias]:
    return DatumAlias.objects.filter(visible_to(user, via="project")).select_related(
        "project", "project__owner", "datum", "datum__store"
    )


def resolve_alias(user: User, project_id: UUID | str | None, name: str) -> DatumAlias:
    aliases = aliases_for(user).filter(name__iexact=name, datum__isnull=False)
    alias = aliases.filter(project_id=_id(project_id)).first() if project_id else aliases.first()
    if alias is None:
        raise AliasNotFound(name)
    return alias


def stores_for(user: User | AnonymousUser) -> QuerySet[DataStore]:
    """The installation's own store, public ones, and those of projects and owners that the user belongs to."""
    projects = Project.objects.filter(visible_to(user))
    return DataStore.objects.filter(
        Q(is_default=True)
        | Q(access_mode=DataStore.AccessMode.PUBLIC)
        | Q(project__in=projects)
        | Q(owner__in=projects.values("owner"), access_mode=DataStore.AccessMode.OWNER_ORGANIZATION)
    ).select_related("owner")


def get_store(user: User, store_id: UUID | str) -> DataStore:
    store = stores_for(user).filter(pk=_id(store_id)).first()
    if store is None:
        raise StoreNotFound(store_id)
    return store


def get_or_create_default_store() -> DataStore:
    """The installation's own store, on the platform's storage."""
    store, _ = DataStore.objects.get_or_create(
        is_default=True,
        defaults={
            "name": DEFAULT_STORE_NAME,
            "kind": DataStore.Kind.PLATFORM,
            "access_mode": DataStore.AccessMode.PUBLIC,
        },
    )
    return store


def default_store(project: Project) -> DataStore:
    """Where the project's outputs go when a step names no store."""
    if project.upload_store_id:
        chosen = DataStore.objects.filter(pk=project.upload_store_id).first()
        if chosen:
            return chosen
    return get_or_create_default_store()


def find_upload_store(project: Project, reference: str) -> DataStore | None:
    """The store that `upload-store` of a step names, by id or name, if the project may use it."""
    usable = DataStore.objects.filter(Q(is_default=True) | Q(project=project) | Q(owner=project.owner))
    identifier = _as_uuid(reference)
    return usable.filter(Q(pk=identifier) if identifier else Q(name=reference)).first()


def resolve_input_uri(project: Project, uri: str) -> str:
    """The address as an execution keeps it: aliases become the file they point to now, so that a copy uses the same.

    Raises `InputNotFound` or `InputSchemeUnsupported`.
    """
    if uri.startswith(("http://", "https://")):
        return uri
    if not uri.startswith("datum://"):
        raise InputSchemeUnsupported(uri)
    return f"datum://{_datum_of(project, uri).pk}"


def input_file(project: Project, uri: str, base_url: str) -> InputFile:
    """Everything a worker needs to fetch the file behind a resolved address. Raises `InputNotFound`, `DatumPurged`."""
    if not uri.startswith("datum://"):
        return InputFile(filename=_name_in(uri), url=uri, uri=uri)
    datum = _datum_of(project, uri)
    grant = download_grant(datum, base_url)
    return InputFile(
        filename=datum.name,
        url=grant.url,
        headers=grant.headers,
        uri=f"datum://{datum.pk}",
        datum_id=datum.pk,
        size=datum.size_bytes,
        md5=datum.md5,
        sha1=datum.sha1,
        sha256=datum.sha256,
        metadata=[datum.properties] if datum.properties else [],
    )


def download_grant(datum: Datum, base_url: str, *, inline_type: str = "") -> Grant:
    """A signed request for the bytes. `inline_type` shows them as that type instead of saving them."""
    if datum.purged_at:
        raise DatumPurged(datum.name)
    filename = datum.name.rsplit("/", 1)[-1]
    return presign_get(
        datum.key,
        filename=filename,
        base_url=base_url,
        content_type=inline_type or mimetypes.guess_type(filename)[0] or "application/octet-stream",
        inline=bool(inline_type),
    )


def _datum_of(project: Project, uri: str) -> Datum:
    reference = uri.removeprefix("datum://")
    identifier = _as_uuid(reference)
    stored = Datum.objects.filter(project=project, stored_at__isnull=False, purged_at__isnull=True)
    if identifier:
        datum = stored.filter(pk=identifier).first()
    else:
        datum = stored.filter(aliases__project=project, aliases__name__iexact=reference).first()
    if datum is None:
        raise InputNotFound(uri)
    return datum


def _name_in(url: str) -> str:
    """The file name in an address: its last part without query and fragment."""
    return unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1] or "file"


def _id(text: UUID | str) -> UUID:
    """The id in a text; for a text that is none, an id that nothing has."""
    return _as_uuid(str(text)) or UUID(int=0)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
