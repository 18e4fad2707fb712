"""Adopting: files that are in a store already become files of a project, without being copied."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from accounts.models import User
from audit.services import record
from common import clock
from common.errors import DomainError
from common.notices import publish_on_commit
from common.objectstores import ObjectFacts
from datastores.addresses import fixed_part, is_pattern, matcher, place_in
from datastores.errors import AdoptableNotFound, AdoptionForbidden, AlreadyAdopted
from datastores.models import DataStore, Datum
from datastores.names import checked_name
from datastores.opening import object_store
from organizations.access import Capability, require
from projects.models import Project

MOST_FILES = 10_000
"""At a time; a wildcard that finds more is adopted by calling again: what is there already is passed over."""


@dataclass(frozen=True)
class Adopted:
    """What became of one file: the record, or why there is none."""

    uri: str
    datum: Datum | None = None
    problem: DomainError | None = None


def adopt(*, store: DataStore, project: Project, actor: User, uri: str) -> list[Adopted]:
    """Adopt one file, or, by a wildcard (`*`, `**`) or an address that ends with a slash, all that are there.

    Raises `AdoptionForbidden`, `AdoptableNotFound` or `StoreProblem`. Of several files, each has its own result.
    """
    require(actor, Capability.RUN, project)
    if not store.allow_adopt:
        raise AdoptionForbidden(store.name)
    placed = place_in([store], uri.strip())
    if placed is None:
        raise AdoptableNotFound(uri, store.name)
    place = object_store(store)
    if is_pattern(placed.key) or placed.key.endswith("/"):
        found = list(islice(_found(store, project, placed.key), MOST_FILES))
        results = [_adopt_one(store, project, actor, facts, place.uri(facts.key)) for facts in found]
    else:
        facts = place.facts(placed.key)
        if facts is None:
            raise AdoptableNotFound(uri, store.name)
        results = [_adopt_one(store, project, actor, facts, uri.strip())]
    if not results:
        raise AdoptableNotFound(uri, store.name)
    return results


def _found(store: DataStore, project: Project, pattern: str) -> Iterator[ObjectFacts]:
    """Those that match and are not the project's yet."""
    matches = matcher(pattern if is_pattern(pattern) else pattern + "**").match
    known = set(Datum.objects.filter(store=store, project=project).values_list("key", flat=True))
    for facts in object_store(store).walk(fixed_part(pattern)):
        if matches(facts.key) and facts.key not in known and not facts.key.endswith("/"):
            yield facts


@transaction.atomic
def _adopt_one(store: DataStore, project: Project, actor: User, facts: ObjectFacts, uri: str) -> Adopted:
    # Two that adopt the same file at once queue up here.
    DataStore.objects.select_for_update(no_key=True).get(pk=store.pk)
    if Datum.objects.filter(store=store, project=project, key=facts.key).exists():
        return Adopted(uri, problem=AlreadyAdopted(uri, store.name))
    try:
        name = checked_name(facts.key)
    except DomainError as error:
        return Adopted(uri, problem=error)
    datum = Datum.objects.create(
        store=store,
        project=project,
        name=name,
        key=facts.key,
        size_bytes=facts.size_bytes,
        md5=facts.md5,
        file_modified_at=facts.modified_at,
        stored_at=clock.now(),
        is_adopted=True,
        uploader=actor,
    )
    record("datum.adopted", actor=actor, target=datum, after={"uri": uri, "size_bytes": facts.size_bytes})
    publish_on_commit(f"project:{project.pk}", "data")
    return Adopted(uri, datum)
