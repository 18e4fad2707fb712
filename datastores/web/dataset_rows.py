"""Rows of the pages of datasets, with constant numbers of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet
from django.urls import reverse

from accounts.models import User
from datastores.datasets import contents, selectors
from datastores.models import Dataset, DatasetFile, DatasetVersion
from organizations.access import visible_to
from organizations.models import Organization
from projects.models import Project

DIFFERENCE_SHOWN = 500


@dataclass(frozen=True)
class DatasetRow:
    dataset: Dataset
    latest: DatasetVersion | None
    version_count: int
    url: str = ""

    @property
    def uri(self) -> str:
        return f"dataset://{self.dataset.name}/latest"


@dataclass(frozen=True)
class FileRow:
    file: DatasetFile
    is_theirs: bool
    """Whether the user may open the file itself: its project is one that they see."""
    is_gone: bool


@dataclass(frozen=True)
class Part:
    title: str
    sign: str
    count: int
    files: list[DatasetFile]


def project_rows(datasets: Iterable[Dataset]) -> list[DatasetRow]:
    listed = list(datasets)
    latest, counts = selectors.latest_of_each(listed), _version_counts(listed)
    return [DatasetRow(row, latest.get(row.pk), counts.get(row.pk, 0)) for row in listed]


def organization_rows(
    datasets: Iterable[Dataset], user: User, organization: Organization
) -> list[DatasetRow]:
    """Each opens in a project that the user sees and that can use it; in none, it does not open."""
    listed = list(datasets)
    latest, counts = selectors.latest_of_each(listed), _version_counts(listed)
    seen = {
        project.pk: project
        for project in Project.objects.filter(visible_to(user), owner_id=organization.pk)
        .select_related("owner")
        .order_by("-name")
    }
    links = Dataset.projects.through.objects.filter(dataset__in=listed, project__in=seen)
    homes = {dataset_id: seen[pk] for dataset_id, pk in links.values_list("dataset_id", "project_id")}
    anywhere = next(iter(reversed(seen.values())), None)
    return [
        DatasetRow(
            row,
            latest.get(row.pk),
            counts.get(row.pk, 0),
            _url(row, homes.get(row.pk) or (anywhere if row.for_every_project else None)),
        )
        for row in listed
    ]


def file_rows(files: Iterable[DatasetFile], user: User, owner_id: int) -> list[FileRow]:
    listed = list(files)
    project_ids = {file.datum.project_id for file in listed if file.datum}
    projects = Project.objects.filter(pk__in=project_ids)
    theirs = set(projects.filter(visible_to(user)).values_list("pk", flat=True))
    owned = set(projects.filter(owner_id=owner_id).values_list("pk", flat=True))
    return [
        FileRow(
            file,
            is_theirs=file.datum is not None and file.datum.project_id in theirs,
            is_gone=file.datum is None or file.datum.project_id not in owned,
        )
        for file in listed
    ]


def difference_parts(old: DatasetVersion, new: DatasetVersion) -> list[Part]:
    found = contents.difference(old, new)
    return [
        _part("Added", "+", found.added),
        _part("Removed", "-", found.removed),
        _part("Changed", "±", found.changed),
    ]


def _part(title: str, sign: str, files: QuerySet[DatasetFile]) -> Part:
    return Part(title, sign, files.count(), list(files[:DIFFERENCE_SHOWN]))


def _version_counts(datasets: list[Dataset]) -> dict[UUID, int]:
    counted = (
        DatasetVersion.objects.filter(dataset__in=datasets).values("dataset_id").annotate(count=Count("pk"))
    )
    return {row["dataset_id"]: row["count"] for row in counted}


def _url(dataset: Dataset, project: Project | None) -> str:
    if project is None:
        return ""
    names = {"owner": project.owner.name, "project": project.name}
    return reverse("project_dataset", kwargs={**names, "dataset_id": dataset.pk})
