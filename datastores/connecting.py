"""Writes of stores: connecting one, changing it, letting it go. Owners of what a store belongs to decide."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import Owner, User
from audit.services import record, record_change, snapshot
from common.configuration import Configuration, checked
from datastores.errors import StoreInUse, StoreNotChangeable, StoreRefused
from datastores.kinds import KEYS
from datastores.models import DataStore
from organizations.access import Capability, administered_by, may
from organizations.models import Organization, Team
from projects.models import Project

Mode = DataStore.AccessMode
RIGHTS = ("allow_read", "allow_write", "allow_uri_download", "allow_adopt")
_SHOWN = ("name", "kind", "access_mode", *RIGHTS, "configuration", "credentials", "paths")
_LONGEST_NAME = 64


@transaction.atomic
def connect_store(
    *,
    actor: User,
    name: str,
    kind: str,
    configuration: Mapping[str, Any],
    owner: Owner | None = None,
    project: Project | None = None,
    access_mode: str = "",
    teams: Collection[Team] = (),
    paths: Mapping[str, str] | None = None,
    rights: Mapping[str, bool] | None = None,
) -> DataStore:
    """A store of a project, or of an organization for all of its members or some of its teams.

    Raises `StoreNotChangeable` for whoever does not administer its owner, `StoreRefused`, or `FieldsRefused` for the
    configuration.
    """
    made = checked(KEYS[kind], configuration)
    if project is not None:
        owner = project.owner
    store = DataStore(
        name=_checked_name(name),
        kind=kind,
        owner=owner or actor.owner,
        project=project,
        access_mode=access_mode or (Mode.SINGLE_PROJECT if project else Mode.OWNER_ORGANIZATION),
        configuration=dict(made.public),
        credentials=made.secrets_text,
        paths=_checked_paths(paths or {}),
        **_checked_rights(rights or {}),
    )
    _require(actor, store)
    _check_reach(actor, store, teams)
    store.save(force_insert=True)
    store.teams.set(teams)
    record("store.connected", actor=actor, target=store, after=_snapshot(store))
    return store


@transaction.atomic
def change_store(
    *,
    store: DataStore,
    actor: User,
    name: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    access_mode: str | None = None,
    teams: Collection[Team] | None = None,
    paths: Mapping[str, str] | None = None,
    rights: Mapping[str, bool] | None = None,
) -> DataStore:
    """What is None stays. A new configuration replaces the old one; secrets that it leaves out are kept, unless it sends them
    to another address. The kind and what it belongs to never change.
    """
    store = DataStore.objects.select_for_update(no_key=True, of=("self",)).get(pk=store.pk)
    _require(actor, store)
    before = _snapshot(store)
    if name is not None:
        store.name = _checked_name(name)
    if configuration is not None:
        stored = Configuration.stored(store.configuration, store.credentials)
        made = checked(KEYS[store.kind], configuration, stored=stored)
        store.configuration, store.credentials = dict(made.public), made.secrets_text
    if access_mode is not None:
        store.access_mode = access_mode
    if paths is not None:
        store.paths = _checked_paths(paths)
    for right, value in _checked_rights(rights or {}).items():
        setattr(store, right, value)
    chosen = list(store.teams.all()) if teams is None else list(teams)
    if access_mode is not None and access_mode != Mode.TEAMS and teams is None:
        chosen = []
    _check_reach(actor, store, chosen)
    store.save()
    store.teams.set(chosen)
    record_change("store.changed", actor=actor, target=store, before=before, after=_snapshot(store))
    return store


@transaction.atomic
def disconnect_store(*, store: DataStore, actor: User) -> None:
    """Only the record goes; what lies in the store stays there. Raises `StoreInUse` while files of projects lie in it."""
    _require(actor, store)
    target = store.audit_target
    try:
        with transaction.atomic():
            store.delete()
    except ProtectedError as error:
        raise StoreInUse(store.name, store.datums.count()) from error
    record("store.disconnected", actor=actor, target=target)


def may_change(actor: User, store: DataStore) -> bool:
    """Superusers; administrators of its project; owners of its organization; whoever it belongs to."""
    if actor.is_superuser:
        return True
    if store.is_default or store.kind == DataStore.Kind.PLATFORM:
        return False
    if store.project is not None:
        return may(actor, Capability.ADMINISTER, store.project)
    if store.owner_id == actor.pk:
        return True
    return Organization.objects.filter(administered_by(actor, "pk"), pk=store.owner_id).exists()


def _require(actor: User, store: DataStore) -> None:
    if not may_change(actor, store):
        raise StoreNotChangeable(store.name)


def _check_reach(actor: User, store: DataStore, teams: Collection[Team]) -> None:
    """Who may use it has to fit to what it belongs to."""
    mode = store.access_mode
    if mode == Mode.PUBLIC and not actor.is_superuser:
        raise StoreRefused(
            "access_mode",
            "Only a superuser of this installation may open a store to everybody. Choose an organization or teams.",
        )
    if mode == Mode.SINGLE_PROJECT and store.project is None:
        raise StoreRefused("project", "A store for a single project needs a project.")
    if mode != Mode.SINGLE_PROJECT and store.project is not None:
        raise StoreRefused(
            "project",
            f"A store with the access mode {mode} belongs to no single project. Leave the project out.",
        )
    if mode == Mode.TEAMS and not teams:
        raise StoreRefused("teams", "Choose at least one team.")
    if mode != Mode.TEAMS and teams:
        raise StoreRefused(
            "teams", f"A store with the access mode {mode} is not for single teams. Leave the teams out."
        )
    if any(team.organization_id != store.owner_id for team in teams):
        raise StoreRefused(
            "teams", "A team of another organization cannot use it. Choose teams of its owner."
        )


def _snapshot(store: DataStore) -> dict[str, Any]:
    teams = sorted(store.teams.values_list("name", flat=True))
    return {**snapshot(store, _SHOWN), "teams": teams}


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise StoreRefused("name", f"Use 1 to {_LONGEST_NAME} printable characters.")
    return name


def _checked_rights(rights: Mapping[str, bool]) -> dict[str, bool]:
    unknown = set(rights) - set(RIGHTS)
    if unknown:
        raise TypeError(f"Not rights of a store: {', '.join(sorted(unknown))}")
    return dict(rights)


def _checked_paths(paths: Mapping[str, str]) -> dict[str, str]:
    if len(paths) > 100 or not all(
        isinstance(text, str) and len(text) <= 1024 and text.isprintable()
        for pair in paths.items()
        for text in pair
    ):
        raise StoreRefused("paths", "Paths are at most 100 names with prefixes of printable text.")
    return dict(paths)
