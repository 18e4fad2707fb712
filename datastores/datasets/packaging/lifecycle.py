"""The only place that changes the status of a package. Every change is one conditional update; the row count says who won.

waiting -> building -> ready
waiting -> failed
building -> waiting (again later) | failed
failed -> waiting
building, ready -> dropped, and what is still needed of it is a new package

A package is built under a key of its own, and by one builder: whoever stops saying that they go on is dropped with the
package, so that a builder that comes back from the dead writes to where nobody looks.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F, QuerySet

from common import clock
from datastores.models import DatasetPackage

Status = DatasetPackage.Status
MOST_ATTEMPTS = 6
MOST_BUILT_AT_ONCE = 1
"""In the whole installation: a builder keeps one worker of Celery for minutes."""


def begin(package_id: UUID, *, now: datetime) -> DatasetPackage | None:
    """The package, to be built by the caller as its `builder`; None when it is not waiting, not yet, or others are built."""
    if DatasetPackage.objects.filter(status=Status.BUILDING).count() >= MOST_BUILT_AT_ONCE:
        return None
    builder = uuid4()
    waiting = DatasetPackage.objects.filter(pk=package_id, status=Status.WAITING, not_before__lte=now)
    begun = waiting.update(
        status=Status.BUILDING, builder=builder, progressed_at=now, attempts=F("attempts") + 1, problem=""
    )
    if not begun:
        return None
    related = ("version__dataset__owner", "source", "store")
    return DatasetPackage.objects.select_related(*related).filter(pk=package_id, builder=builder).first()


def progress(package: DatasetPackage, **facts: object) -> bool:
    """The builder goes on; False when the package is not its any more."""
    return _of_builder(package).update(progressed_at=clock.now(), **facts) == 1


def complete(package: DatasetPackage, *, sha256: str) -> bool:
    ready = {"status": Status.READY, "sha256": sha256, "ready_at": clock.now(), "builder": None}
    return _of_builder(package).update(**ready, problem="") == 1


def put_off(package: DatasetPackage, problem: str, delay: timedelta) -> bool:
    again = {"status": Status.WAITING, "not_before": clock.now() + delay, "builder": None, "upload_id": ""}
    return _of_builder(package).update(**again, problem=problem[:2000]) == 1


def fail(package: DatasetPackage, problem: str) -> bool:
    failed = {"status": Status.FAILED, "builder": None, "upload_id": ""}
    return _of_builder(package).update(**failed, problem=problem[:2000]) == 1


def give_up(package_id: UUID, problem: str) -> bool:
    """For one that waits, as its builders do not survive it."""
    waiting = DatasetPackage.objects.filter(pk=package_id, status=Status.WAITING)
    return waiting.update(status=Status.FAILED, problem=problem[:2000]) == 1


def retry(version_id: UUID) -> int:
    """Failed packages of a version wait to be built again; how many."""
    failed = DatasetPackage.objects.filter(version_id=version_id, status=Status.FAILED)
    return failed.update(status=Status.WAITING, attempts=0, not_before=clock.now())


def drop(package_id: UUID) -> bool:
    """Nothing may use it from now on, and whoever builds it is not believed."""
    there = DatasetPackage.objects.filter(pk=package_id).exclude(status=Status.DROPPED)
    return there.update(status=Status.DROPPED, dropped_at=clock.now(), builder=None) == 1


def _of_builder(package: DatasetPackage) -> QuerySet[DatasetPackage]:
    return DatasetPackage.objects.filter(pk=package.pk, status=Status.BUILDING, builder=package.builder)
