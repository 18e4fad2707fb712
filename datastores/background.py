"""Celery tasks of the data plane. Each looks again, and may run twice."""

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache

from common.files.requests import remove_leftovers
from datastores import cleaning, objects
from datastores.models import Datum

LEFTOVER_AFTER = timedelta(days=1)
_DAY_SECONDS = 24 * 3600


@shared_task(autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=600, max_retries=8)
def erase_datum(datum_id: str) -> None:
    """Remove the content of a purged file. When this gives up, `clean_abandoned_uploads` goes on."""
    cleaning.erase(datum_id)


@shared_task(autoretry_for=(Exception,), retry_backoff=True, max_retries=8)
def add_checksums(datum_id: str) -> None:
    """For uploads that are too large to be hashed while their sender waits."""
    unhashed = Datum.objects.filter(pk=datum_id, sha256__isnull=True, purged_at__isnull=True)
    datum = unhashed.select_related("store").first()
    if datum is not None:
        Datum.objects.filter(pk=datum_id).update(**objects.checksums(datum))


@shared_task
def clean_abandoned_uploads() -> None:
    """Every hour, kicked by the scheduler."""
    cleaning.remove_abandoned_uploads()
    cleaning.erase_purged()
    remove_leftovers(LEFTOVER_AFTER.total_seconds())
    if cache.add("datastores:orphans-removed", 1, _DAY_SECONDS):
        remove_orphans.apply_async(retry=False)


@shared_task
def remove_orphans() -> None:
    """Once a day: it lists the whole storage."""
    cleaning.remove_orphans()
