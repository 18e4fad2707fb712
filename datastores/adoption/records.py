"""The record of an adopted file, and what a project has of a store already."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import User
from common import clock
from common.objectstores import ObjectFacts
from datastores.errors import ObjectOfAnother
from datastores.models import DataStore, Datum
from datastores.names import checked_name
from projects.models import Project


@dataclass
class Known:
    """Keys that are files of the project, and keys at which the platform keeps files of other projects."""

    own: set[str]
    foreign: set[str]


def take_turn(store: DataStore) -> None:
    """Until the end of the transaction nobody else adopts from the store, so that no file is adopted twice."""
    DataStore.objects.select_for_update(no_key=True).get(pk=store.pk)


def known_keys(store: DataStore, project: Project, keys: Collection[str]) -> Known:
    known = Known(set(), set())
    rows = Datum.objects.filter(store=store, key__in=[key for key in keys if "\0" not in key])
    for key, project_id, is_adopted in rows.values_list("key", "project_id", "is_adopted"):
        if project_id == project.pk:
            known.own.add(key)
        elif not is_adopted:
            known.foreign.add(key)
    return known


def record_of(
    facts: ObjectFacts,
    uri: str,
    *,
    store: DataStore,
    project: Project,
    uploader: User | None,
    known: Known,
) -> Datum:
    """Not saved yet. Raises `ObjectOfAnother` or `NameRefused`."""
    if facts.key in known.foreign:
        raise ObjectOfAnother(uri)
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
