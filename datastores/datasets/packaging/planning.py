"""Which packages a version is to have, written down; and what is to be done next of all that wait."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from common import clock
from datastores.datasets.models import DatasetPackage, DatasetVersion
from datastores.datasets.packaging import contents, dropping, lifecycle
from datastores.datasets.packaging.planner import Group, groups
from datastores.models import DataStore
from datastores.selectors import default_store, find_upload_store
from projects.models import Project

STALLED_AFTER = timedelta(minutes=10)
"""Longer than a store that answers slowly keeps a builder from saying that it goes on."""
SILENT = "Whoever built it ended without a word."
_BATCH = 20


@transaction.atomic
def plan(version_id: UUID) -> int:
    """Write down the packages of a version that wants some and has none; how many. Repeating it changes nothing."""
    unplanned = DatasetVersion.objects.select_for_update(no_key=True, of=("self",)).filter(
        pk=version_id, wants_package=True, packages_planned_at__isnull=True, dataset__deleted_at__isnull=True
    )
    version = unplanned.select_related("dataset").first()
    if version is None:
        return 0
    planned = [
        _package(version, group) for group in groups(contents.as_planned(contents.small_files(version)))
    ]
    DatasetPackage.objects.bulk_create(planned)
    version.packages_planned_at = clock.now()
    version.save(update_fields=["packages_planned_at", "updated_at"])
    return len(planned)


def _package(version: DatasetVersion, group: Group) -> DatasetPackage:
    return DatasetPackage(
        **dropping.place_of(version.pk),
        version=version,
        source_id=group.store_id,
        store=_store_for(group),
        first_file_id=group.first_file_id,
        last_file_id=group.last_file_id,
        file_count=group.file_count,
        size_bytes=group.size_bytes,
        not_before=clock.now(),
    )


def _store_for(group: Group) -> DataStore:
    """Where the files are, if the project that they belong to may write there; else where its outputs go."""
    project = Project.objects.select_related("owner").get(datums__in_versions=group.first_file_id)
    return find_upload_store(project, str(group.store_id)) or default_store(project)


def unplanned_versions() -> list[UUID]:
    waiting = DatasetVersion.objects.filter(
        wants_package=True, packages_planned_at__isnull=True, dataset__deleted_at__isnull=True
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:_BATCH])


def next_package(now: datetime) -> UUID | None:
    """The one that has waited for longest."""
    waiting = DatasetPackage.objects.filter(status=DatasetPackage.Status.WAITING, not_before__lte=now)
    return waiting.order_by("not_before", "pk").values_list("pk", flat=True).first()


@transaction.atomic
def replace_stalled(now: datetime) -> int:
    """What is built by somebody who has been silent for too long; how many."""
    building = DatasetPackage.objects.filter(
        status=DatasetPackage.Status.BUILDING, progressed_at__lt=now - STALLED_AFTER
    )
    locked = building.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("pk")
    stalled = list(locked.select_related("version__dataset__owner")[:_BATCH])
    for package in stalled:
        fresh = dropping.replace(package, delay=timedelta(), problem=SILENT)
        if fresh is not None and package.attempts >= lifecycle.MOST_ATTEMPTS:
            lifecycle.give_up(fresh.pk, "Whoever built it ended without a word, again and again.")
    return len(stalled)


def erasable() -> list[UUID]:
    """Dropped packages whose bytes may still be there."""
    dropped = DatasetPackage.objects.filter(status=DatasetPackage.Status.DROPPED)
    return list(dropped.order_by("dropped_at").values_list("pk", flat=True)[:500])


def drop_what_lost_files() -> int:
    """A look at everything, for what no purge has told: projects that went to another owner, and datasets that were deleted while
    their packages were planned. How many packages went."""
    alive = DatasetPackage.objects.exclude(status=DatasetPackage.Status.DROPPED)
    dropping.drop_all(alive.filter(version__dataset__deleted_at__isnull=False))
    ready = alive.filter(status=DatasetPackage.Status.READY).select_related("version__dataset__owner")
    lost = [package for package in ready.iterator(chunk_size=500) if contents.has_lost_files(package)]
    for package in lost:
        dropping.replace(package, delay=timedelta())
    return len(lost)
