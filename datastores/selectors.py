"""Reads of the data plane. Lists start from what the user may see; a file is there once it is whole in its store."""

import mimetypes
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Prefetch, Q, QuerySet

from accounts.models import User
from common.files import SHOWN_INLINE
from common.objectstores import Download, Grant
from datastores.errors import (
    AliasNotFound,
    DatumNotFound,
    DatumPurged,
    StoreNotFound,
)
from datastores.models import DataStore, Datum, DatumAlias
from datastores.opening import object_store
from organizations.access import administered_by, organizations_of, team_memberships_of, visible_to
from organizations.models import Organization
from projects.models import Project
from projects.selectors import as_uuid

DEFAULT_STORE_NAME = "default"


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
        "store",
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


def get_alias(user: User | AnonymousUser, alias_id: UUID | str) -> DatumAlias:
    alias = aliases_for(user).filter(pk=_id(alias_id)).first()
    if alias is None:
        raise AliasNotFound(str(alias_id))
    return alias


def resolve_alias(user: User, project_id: UUID | str | None, name: str) -> DatumAlias:
    aliases = aliases_for(user).filter(name__iexact=without_nul(name), datum__isnull=False)
    alias = aliases.filter(project_id=_id(project_id)).first() if project_id else aliases.first()
    if alias is None:
        raise AliasNotFound(name)
    return alias


def stores_for(user: User | AnonymousUser) -> QuerySet[DataStore]:
    """The installation's own store, public ones, those of visible projects, their own, those of their organizations as far as
    teams are not kept out, and all of the organizations that they own."""
    stores = DataStore.objects.select_related("owner", "project")
    if not isinstance(user, User) or not user.is_active:
        return stores.none()
    if user.is_superuser:
        return stores
    mode = DataStore.AccessMode
    shared = DataStore.teams.through.objects.filter(team_id__in=team_memberships_of(user).values("team_id"))
    return stores.filter(
        Q(is_default=True)
        | Q(access_mode=mode.PUBLIC)
        | Q(project__in=Project.objects.filter(visible_to(user)))
        | Q(owner_id=user.pk, project__isnull=True)
        | Q(organizations_of(user, "owner_id"), access_mode=mode.OWNER_ORGANIZATION)
        | Q(pk__in=shared.values("datastore_id"), access_mode=mode.TEAMS)
        | Q(administered_by(user, "owner_id"), project__isnull=True)
    )


def get_store(user: User, store_id: UUID | str) -> DataStore:
    store = stores_for(user).filter(pk=_id(store_id)).first()
    if store is None:
        raise StoreNotFound(store_id)
    return store


def stores_of(organization: Organization) -> QuerySet[DataStore]:
    """Those that the organization shares; stores of single projects are in the projects' settings."""
    shared = DataStore.objects.filter(owner_id=organization.pk, project__isnull=True)
    return shared.prefetch_related("teams").order_by("name", "pk")


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


def upload_store_is_usable(project: Project) -> bool:
    """Whether the project, as it is in memory, may write to the store that it names for its outputs."""
    chosen = project.upload_store_id
    return chosen is not None and _usable_by(project).filter(pk=chosen).exists()


def find_upload_store(project: Project, reference: str) -> DataStore | None:
    """The store that `upload-store` of a step names, by id or name, if the project may write to it."""
    identifier = as_uuid(reference)
    return _usable_by(project).filter(Q(pk=identifier) if identifier else Q(name=reference)).first()


def writable_store(project: Project, store_id: UUID) -> DataStore:
    """One that the project may write to. Raises `StoreNotFound`."""
    store = _usable_by(project).filter(pk=store_id).first()
    if store is None:
        raise StoreNotFound(store_id)
    return store


def _usable_by(project: Project) -> QuerySet[DataStore]:
    """Those that the project's runs may write to."""
    return readable_by(project).filter(allow_write=True)


def readable_by(project: Project) -> QuerySet[DataStore]:
    """Those whose files the project's runs may use: its own, those of its organization as far as teams are not kept out, and
    public ones, unless the organization forbids these."""
    mode = DataStore.AccessMode
    usable = (
        Q(is_default=True)
        | Q(project=project)
        | Q(owner_id=project.owner_id, project__isnull=True, access_mode=mode.OWNER_ORGANIZATION)
    )
    if project.team_id:
        shared = DataStore.teams.through.objects.filter(team_id=project.team_id)
        usable |= Q(pk__in=shared.values("datastore_id"), access_mode=mode.TEAMS)
    forbidden = Organization.objects.filter(pk=project.owner_id, forbid_public_stores=True)
    return DataStore.objects.filter(usable | Q(~Exists(forbidden), access_mode=mode.PUBLIC))


def download_grant(datum: Datum, base_url: str, *, inline_type: str = "") -> Grant:
    """A signed request for the bytes. `inline_type`, one of `SHOWN_INLINE`, shows them instead of saving them."""
    if datum.purged_at:
        raise DatumPurged(datum.name)
    if inline_type and inline_type not in SHOWN_INLINE:
        raise ValueError(f"{inline_type} is not safe to show; these are: {', '.join(sorted(SHOWN_INLINE))}")
    filename = datum.name.rsplit("/", 1)[-1]
    download = Download(
        datum.key,
        filename,
        inline_type or mimetypes.guess_type(filename)[0] or "application/octet-stream",
        inline=bool(inline_type),
        lifetime_seconds=settings.FILE_URL_LIFETIME_SECONDS,
    )
    return object_store(datum.store).grant_get(download, base_url=base_url)


def without_nul(value: str) -> str:
    """PostgreSQL refuses to be asked for NUL."""
    return value.replace("\0", "")


def _id(text: UUID | str) -> UUID:
    """The id in a text; for a text that is none, an id that nothing has."""
    return as_uuid(str(text)) or UUID(int=0)
