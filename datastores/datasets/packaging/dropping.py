"""Packages that may not be used any more, and what comes in their place.

A package that holds a purged file is dropped in the transaction that purges it, and again before the file is erased, which finds
packages that were planned meanwhile. One that is built looks at its files when it is finished. So none of them survives.
"""

import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from common import clock
from common.ids import new_id
from datastores import objects
from datastores.background import erase_package
from datastores.datasets.models import DatasetFile, DatasetPackage
from datastores.datasets.packaging import lifecycle
from datastores.datasets.packaging.contents import packages_with
from datastores.models import Datum
from projects.models import Project

logger = logging.getLogger(__name__)

Status = DatasetPackage.Status
SETTLING = timedelta(minutes=10)
"""Who purges one file of a version often purges more of them: the rest is not packed again at once."""
HOLDING = (Status.BUILDING, Status.READY)


@transaction.atomic
def drop_with(files: QuerySet[DatasetFile]) -> None:
    """What holds one of the files goes; the others in it are packed again, later."""
    for package in _locked(packages_with(files).filter(status__in=HOLDING)):
        replace(package, delay=SETTLING)


def drop_with_datum(datum: Datum) -> None:
    """A file is erased."""
    drop_with(DatasetFile.objects.filter(datum=datum))


def drop_of_project(project: Project) -> None:
    """A project is deleted, and its files with it."""
    drop_with(DatasetFile.objects.filter(datum__project=project))


@transaction.atomic
def drop_all(packages: QuerySet[DatasetPackage]) -> None:
    """For good."""
    for package in _locked(packages.exclude(status=Status.DROPPED)):
        drop(package)


@transaction.atomic
def replace(package: DatasetPackage, *, delay: timedelta, problem: str = "") -> DatasetPackage | None:
    """Drop it, and let another one wait that is about the same files, as far as they are still there. It has a key of its own:
    nobody who still writes to the old one spoils it. None when somebody has done so already."""
    if not drop(package):
        return None
    return DatasetPackage.objects.create(
        **place_of(package.version_id),
        version=package.version,
        source_id=package.source_id,
        store_id=package.store_id,
        first_file_id=package.first_file_id,
        last_file_id=package.last_file_id,
        file_count=package.file_count,
        size_bytes=package.size_bytes,
        attempts=package.attempts if problem else 0,
        problem=problem[:2000],
        not_before=clock.now() + delay,
    )


def drop(package: DatasetPackage) -> bool:
    """Inside a transaction; the bytes go after it. False when it was dropped already."""
    if not lifecycle.drop(package.pk):
        return False
    logger.info("package dropped", extra={"package": str(package.pk)})
    erase = partial(erase_package.apply_async, [str(package.pk)], retry=False)
    transaction.on_commit(erase, robust=True)
    return True


def place_of(version_id: UUID) -> dict[str, object]:
    """Id and key of a new package."""
    package_id = new_id()
    return {"id": package_id, "key": objects.key_of(version_id, package_id)}


def _locked(packages: QuerySet[DatasetPackage]) -> list[DatasetPackage]:
    rows = packages.select_for_update(of=("self",), no_key=True).order_by("pk")
    return list(rows.select_related("version__dataset__owner"))
