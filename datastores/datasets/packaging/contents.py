"""Which files packages are about."""

from collections.abc import Iterable

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)

from datastores.datasets.contents import readable
from datastores.datasets.models import DatasetFile, DatasetPackage, DatasetVersion
from datastores.datasets.packaging.archive import BLOCK_BYTES, TRAILER
from datastores.datasets.packaging.planner import SMALL_BELOW_BYTES, SmallFile


def small_files(version: DatasetVersion) -> QuerySet[DatasetFile]:
    """Those that packages can hold, in the order of their names."""
    small = DatasetFile.objects.filter(version=version, datum__size_bytes__lt=SMALL_BELOW_BYTES)
    return readable(small, version.dataset.owner_id).order_by("pk")


def as_planned(files: QuerySet[DatasetFile]) -> Iterable[SmallFile]:
    rows = files.values_list("pk", "datum__store_id", "datum__size_bytes")
    return (SmallFile(*row) for row in rows.iterator(chunk_size=5000))


def files_of(package: DatasetPackage) -> QuerySet[DatasetFile]:
    """Those that it is about and that can still be read."""
    return small_files(package.version).filter(
        pk__gte=package.first_file_id,
        pk__lte=package.last_file_id,
        datum__store_id=package.source_id,
    )


def measure(package: DatasetPackage) -> tuple[int, int]:
    """How many files it is about now, and how large it is with them."""
    whole_blocks = ExpressionWrapper(
        (F("datum__size_bytes") + (BLOCK_BYTES - 1)) / BLOCK_BYTES, output_field=BigIntegerField()
    )
    found = files_of(package).order_by().aggregate(count=Count("pk"), blocks=Sum(whole_blocks))
    return found["count"], (found["count"] + int(found["blocks"] or 0)) * BLOCK_BYTES + len(TRAILER)


def has_lost_files(package: DatasetPackage) -> bool:
    """Whether it holds what may not be read any more: purged, deleted with its project, or of another owner now."""
    return files_of(package).count() != package.file_count


def packages_with(files: QuerySet[DatasetFile]) -> QuerySet[DatasetPackage]:
    """Those that are about one of the files, whatever their status."""
    here = files.order_by().filter(
        version=OuterRef("version"), pk__gte=OuterRef("first_file_id"), pk__lte=OuterRef("last_file_id")
    )
    return DatasetPackage.objects.filter(Exists(here))


def ready_packages(version: DatasetVersion, first_file_id: int, last_file_id: int) -> list[DatasetPackage]:
    """Those that can be taken for files of the version between these two."""
    between = Q(first_file_id__lte=last_file_id, last_file_id__gte=first_file_id)
    ready = DatasetPackage.objects.filter(between, version=version, status=DatasetPackage.Status.READY)
    return list(ready.select_related("store").order_by("pk"))


def is_about(package: DatasetPackage, file: DatasetFile) -> bool:
    """Whether the package holds the file, whose datum is at hand."""
    return (
        file.datum is not None
        and package.first_file_id <= file.pk <= package.last_file_id
        and file.datum.store_id == package.source_id
        and file.datum.size_bytes < SMALL_BELOW_BYTES
    )
