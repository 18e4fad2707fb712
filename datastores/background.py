"""Celery tasks of the data plane."""

from datetime import timedelta

from celery import shared_task
from django.core.files.storage import default_storage

from common import clock
from datastores.models import Datum

ABANDONED_AFTER = timedelta(days=1)
_BATCH = 1000


@shared_task(autoretry_for=(OSError,), retry_backoff=True, max_retries=10)
def delete_object(key: str) -> None:
    """Remove one object from the platform's storage; it may be gone already."""
    default_storage.delete(key)


@shared_task
def clean_abandoned_uploads() -> int:
    """Remove reservations whose upload was never finished, with whatever arrived. Kicked by the scheduler."""
    abandoned = list(
        Datum.objects.filter(stored_at__isnull=True, created_at__lt=clock.now() - ABANDONED_AFTER)[:_BATCH]
    )
    for datum in abandoned:
        default_storage.delete(datum.key)
        datum.delete()
    return len(abandoned)
