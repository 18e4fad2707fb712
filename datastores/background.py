"""Celery tasks of the data plane. Each looks again, and may run twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.core.cache import cache

from common import clock
from common.errors import DomainError
from common.files.requests import remove_leftovers
from common.objectstores import StoreProblem
from common.objectstores.types import Problem
from datastores import cleaning, objects
from datastores.adoption import lifecycle, running
from datastores.datasets.packaging import erasing
from datastores.models import Datum

LEFTOVER_AFTER = timedelta(days=1)
STALLED_AFTER = timedelta(minutes=4)
"""Longer than an adoption works before it says how far it is, and than it waits for a store that is away."""
_RETRIES = 5
_MAY_PASS = (Problem.UNREACHABLE, Problem.FAILED)
_DAY_SECONDS = 24 * 3600


@shared_task(autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=600, max_retries=8)
def erase_datum(datum_id: str) -> None:
    """Remove the content of a purged file. When this gives up, `clean_abandoned_uploads` goes on."""
    cleaning.erase(datum_id)


@shared_task(autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=600, max_retries=5)
def erase_package(package_id: str) -> None:
    """Remove the bytes of a dropped package. When this gives up, `clean_packages` goes on."""
    erasing.erase(UUID(package_id))


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


@shared_task(bind=True, max_retries=_RETRIES)
def continue_adoption(self: Any, adoption_id: str) -> None:
    """Work on it for a while and hand on the rest, so that one adoption does not keep others waiting."""
    try:
        has_more = running.run_slice(UUID(adoption_id))
    except DomainError as problem:
        is_away = isinstance(problem, StoreProblem) and problem.problem in _MAY_PASS
        if is_away and self.request.retries < _RETRIES:
            raise self.retry(countdown=2**self.request.retries * 4, exc=problem) from problem
        adoption = lifecycle.begin(UUID(adoption_id))
        if adoption is not None:
            running.end(adoption, problem.message)
        return
    if has_more:
        continue_adoption.apply_async([adoption_id], retry=False)


@shared_task
def continue_stalled_adoptions() -> None:
    """Every minute, kicked by the scheduler: those whose worker was killed go on."""
    for adoption_id in lifecycle.stalled(clock.now() - STALLED_AFTER):
        continue_adoption.apply_async([str(adoption_id)], retry=False)
