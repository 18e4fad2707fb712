"""The record of an adopted file, and what a project has of a store already."""

from collections.abc import Collection

from accounts.models import User
from common import clock
from common.objectstores import ObjectFacts
from datastores.errors import AdoptableNotFound
from datastores.models import DataStore, Datum
from datastores.names import checked_name
from datastores.objects import is_own_key
from projects.models import Project


def take_turn(store: DataStore) -> None:
    """Until the end of the transaction nobody else adopts from the store, so that no file is adopted twice."""
    DataStore.objects.select_for_update(no_key=True).get(pk=store.pk)


def known_keys(store: DataStore, project: Project, keys: Collection[str]) -> set[str]:
    """Those of the keys that are files of the project."""
    askable = [key for key in keys if "\0" not in key]
    known = Datum.objects.filter(store=store, project=project, key__in=askable)
    return set(known.values_list("key", flat=True))


def record_of(
    facts: ObjectFacts, uri: str, *, store: DataStore, project: Project, uploader: User | None
) -> Datum:
    """Not saved yet. Raises `NameRefused`, or `AdoptableNotFound` for what the platform itself wrote into the store: which
    project may read that its own record says.
    """
    if is_own_key(facts.key):
        raise AdoptableNotFound(uri, store.name)
    return Datum(
        store=store,
        project=project,
        name=checked_name(facts.key),
        key=facts.key,
        size_bytes=facts.size_bytes,
        md5=facts.md5,
        file_modified_at=facts.modified_at,
        stored_at=clock.now(),
        is_adopted=True,
        uploader=uploader,
    )
