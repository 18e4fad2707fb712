"""Removal of what nobody needs: uploads that were never finished, content of purged files, objects without a record."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet

from common import clock
from common.errors import DomainError
from datastores import objects
from datastores.models import DatasetPackage, Datum

logger = logging.getLogger(__name__)

ABANDONED_AFTER = timedelta(days=1)
OUTPUT_ABANDONED_AFTER = timedelta(days=7)
"""Longer: what a worker has uploaded stays a reservation until ingest has read the report, and ingest may be away."""
ORPHANED_AFTER = timedelta(days=1)
HOPELESS_AFTER = timedelta(days=30)
"""Nobody tries any longer to remove from a store what it does not let us remove: its record would keep the store from going."""
_BATCH = 500

erasure_steps: list[Callable[[Datum], None]] = []
"""What has to be done before the bytes of a purged file go; rooms that keep them elsewhere too append theirs when they are loaded."""


def remove_abandoned_uploads() -> int:
    """Reservations that nobody finished, with whatever arrived; how many there were. Those in stores that are away wait."""
    removed = 0
    silent: set[UUID] = set()
    abandoned = _abandoned()
    while rows := list(abandoned.exclude(store__in=silent).select_related("store")[:_BATCH]):
        for datum in rows:
            if datum.store_id in silent:
                continue
            if _remove(datum):
                removed += 1
            else:
                silent.add(datum.store_id)
        if removed >= _BATCH:
            break
    return removed


def _abandoned() -> QuerySet[Datum]:
    now = clock.now()
    old = Q(output_execution_id__isnull=True, created_at__lt=now - ABANDONED_AFTER)
    old |= Q(created_at__lt=now - OUTPUT_ABANDONED_AFTER)
    return Datum.objects.filter(old, stored_at__isnull=True)


def _remove(datum: Datum) -> bool:
    """The bytes and the row; False: its store does not let us, and the row stays so that it is tried again."""
    # Given up first, if it is still only a reservation: from then on it cannot become a file, whose bytes would be taken.
    given_up = Datum.objects.filter(pk=datum.pk, stored_at__isnull=True).update(purged_at=clock.now())
    if not given_up:
        return True
    try:
        objects.remove(datum)
    except DomainError as error:
        is_hopeless = datum.created_at < clock.now() - HOPELESS_AFTER
        logger.warning(
            "bytes of an abandoned upload stay",
            extra={"key": datum.key, "reason": error.message, "given_up": is_hopeless},
        )
        if not is_hopeless:
            return False
    Datum.objects.filter(pk=datum.pk).delete()
    return True


def erase(datum_id: UUID | str) -> None:
    """Remove the content of a purged file. Repeating it changes nothing; every error of a storage reaches the caller."""
    purged = _not_erased().filter(pk=datum_id)
    datum = purged.select_related("store").first()
    if datum is None:
        return
    for step in erasure_steps:
        step(datum)
    if not datum.is_adopted:  # what was there before stays there
        objects.remove(datum)
    Datum.objects.filter(pk=datum.pk).update(erased_at=clock.now())


def erase_purged() -> int:
    """What was purged while the broker or the storage was away; how many could be erased."""
    waiting = _not_erased().order_by("purged_at")
    erased = 0
    for pk in waiting.values_list("pk", flat=True)[:_BATCH]:
        try:
            erase(pk)
            erased += 1
        except (
            Exception
        ):  # storages raise errors of their own kinds; the others in the list still get their turn
            logger.exception("purged file not erased", extra={"datum": str(pk)})
    return erased


def _not_erased() -> QuerySet[Datum]:
    return Datum.objects.filter(stored_at__isnull=False, purged_at__isnull=False, erased_at__isnull=True)


def remove_orphans() -> int:
    """Objects whose record is gone, such as those of a project deleted while the broker was away; how many there were."""
    removed = 0
    found = _object_keys()
    while keys := list(islice(found, _BATCH)):
        ids = {UUID(key.rsplit("/", 1)[-1]): key for key in keys}
        known = {
            pk
            for model in (Datum, DatasetPackage)
            for pk in model._default_manager.filter(pk__in=ids).values_list("pk", flat=True)
        }
        for object_id in set(ids) - known:
            removed += _remove_if_old(ids[object_id], clock.now() - ORPHANED_AFTER)
    return removed


def _object_keys() -> Iterator[str]:
    """Every object that `objects.key_of` can have named. Anything else in the folder is not ours to remove."""
    for project in _listed(objects.FOLDER)[0]:
        if _is_id(project):
            for name in _listed(f"{objects.FOLDER}/{project}")[1]:
                if _is_id(name):
                    yield f"{objects.FOLDER}/{project}/{name}"


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _remove_if_old(key: str, limit: datetime) -> int:
    try:
        if default_storage.get_modified_time(key) >= limit:
            return 0
        default_storage.delete(key)
    except FileNotFoundError:
        return 0
    logger.info("object without a record removed", extra={"key": key})
    return 1


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
