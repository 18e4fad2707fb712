"""Reads of the data plane. Lists start from what the user may see; a file is there once it is whole in its store."""

import mimetypes
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User
from common.files import Grant, presign_get
from datastores.errors import (
    AliasNotFound,
    DatumNotFound,
    DatumPurged,
    InputNotFound,
    InputPurged,
    InputSchemeUnsupported,
    StoreNotFound,
)
from datastores.models import DataStore, Datum, DatumAlias
from datastores.types import InputFile
from organizations.access import memberships_of, visible_to
from projects.models import Project

DEFAULT_STORE_NAME = "default"
DATUM_SCHEME = "datum://"
WEB_SCHEMES = ("http://", "https://")


def datums_for(user: User | AnonymousUser) -> QuerySet[Datum]:
    """Stored files, purged ones included."""
    return Datum.objects.filter(visible_to(user, via="project"), stored_at__isnull=False).select_related(
        "store", "project", "project__owner"
    )


def with_shared_related(datums: QuerySet[Datum]) -> QuerySet[Datum]:
    """For long lists: one more query per kind of thing, but each project is made only once."""
    return datums.select_related(None).prefetch_related(
        Prefetch("project", Project.objects.select_related("owner")),
        Prefetch("aliases", DatumAlias.objects.order_by("name")),
    )


def get_datums(user: User, datum_ids: Iterable[str]) -> dict[UUID, Datum]:
    """Several at once, in one query. Raises `DatumNotFound` for the first that is not there."""
    wanted = {text: _id(text) for text in datum_ids}
    found = datums_for(user).in_bulk(set(wanted.values()))
    for text, datum_id in wanted.items():
        if datum_id not in found:
            raise DatumNotFound(text)
    return found


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
    aliases = aliases_for(user).filter(name__iexact=_text(name), datum__isnull=False)
    alias = aliases.filter(project_id=_id(project_id)).first() if project_id else aliases.first()
    if alias is None:
        raise AliasNotFound(name)
    return alias


def stores_for(user: User | AnonymousUser) -> QuerySet[DataStore]:
    """The installation's own store, public ones, those of visible projects, and those of the user and their organizations."""
    stores = DataStore.objects.select_related("owner")
    if not isinstance(user, User) or not user.is_active:
        return stores.none()
    if user.is_superuser:
        return stores
    organizations = memberships_of(user).values("organization_id")
    return stores.filter(
        Q(is_default=True)
        | Q(access_mode=DataStore.AccessMode.PUBLIC)
        | Q(project__in=Project.objects.filter(visible_to(user)))
        | Q(owner_id=user.pk)
        | Q(owner_id__in=organizations, access_mode=DataStore.AccessMode.OWNER_ORGANIZATION)
    )


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
        chosen = _usable_by(project).filter(pk=project.upload_store_id).first()
        if chosen:
            return chosen
    return get_or_create_default_store()


def find_upload_store(project: Project, reference: str) -> DataStore | None:
    """The store that `upload-store` of a step names, by id or name, if the project may write to it."""
    identifier = _as_uuid(reference)
    return _usable_by(project).filter(Q(pk=identifier) if identifier else Q(name=reference)).first()


def _usable_by(project: Project) -> QuerySet[DataStore]:
    """Files are kept by the platform's storage only; rows of other kinds are known but cannot hold files yet."""
    usable = Q(is_default=True) | Q(project=project) | Q(owner_id=project.owner_id)
    return DataStore.objects.filter(usable, kind=DataStore.Kind.PLATFORM, allow_write=True)


def resolve_input_uri(project: Project, uri: str) -> str:
    """The address as an execution keeps it: aliases become the file they point to now, so that a copy uses the same.

    Addresses on the web are not looked at here: the worker fetches them, from the network that it is in.
    Raises `InputNotFound`, `InputPurged` or `InputSchemeUnsupported`.
    """
    address = uri.strip()
    if address.lower().startswith(WEB_SCHEMES):
        if not _names_a_host(address):
            raise InputSchemeUnsupported(uri)
        return address
    if not address.startswith(DATUM_SCHEME):
        raise InputSchemeUnsupported(uri)
    return f"{DATUM_SCHEME}{_datum_of(project, address).pk}"


def input_file(project: Project, uri: str, base_url: str) -> InputFile:
    """Everything a worker needs to fetch the file behind a resolved address. Raises `InputNotFound`, `InputPurged`."""
    if not uri.startswith(DATUM_SCHEME):
        return InputFile(filename=_name_in(uri), url=uri, uri=uri)
    datum = _datum_of(project, uri)
    grant = download_grant(datum, base_url)
    return InputFile(
        filename=datum.name,
        url=grant.url,
        headers=grant.headers,
        uri=f"{DATUM_SCHEME}{datum.pk}",
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
    """Only files of the same project: who may see an execution of it may not see other projects of the same person."""
    reference = uri.removeprefix(DATUM_SCHEME)
    identifier = _as_uuid(reference)
    stored = Datum.objects.filter(project=project, stored_at__isnull=False)
    if identifier:
        datum = stored.filter(pk=identifier).first()
    else:
        datum = stored.filter(aliases__project=project, aliases__name__iexact=_text(reference)).first()
    if datum is None:
        raise InputNotFound(uri)
    if datum.purged_at:
        raise InputPurged(uri, datum.name)
    return datum


def _names_a_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname) and not any(c.isspace() or ord(c) < 32 for c in address)
    except ValueError:
        return False


def _name_in(url: str) -> str:
    """The file name in an address: its last part without query and fragment."""
    return unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1] or "file"


def _text(value: str) -> str:
    """PostgreSQL refuses to be asked for NUL."""
    return value.replace("\0", "")


def _id(text: UUID | str) -> UUID:
    """The id in a text; for a text that is none, an id that nothing has."""
    return _as_uuid(str(text)) or UUID(int=0)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
