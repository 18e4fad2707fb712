"""Who may see and change datasets: it follows from the projects that they are there for."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Q, QuerySet

from accounts.models import Owner, User
from datastores.datasets.errors import DatasetForbidden, DatasetOwnerRefused
from datastores.datasets.models import Dataset
from organizations.access import (
    EVERYTHING,
    LOOKING,
    NOTHING,
    Capability,
    administered_by,
    capabilities_among,
    capabilities_in,
    organizations_of,
    visible_to,
)
from organizations.models import Organization
from projects.models import Project


def datasets_for(user: User | AnonymousUser) -> QuerySet[Dataset]:
    """What they may see of those that are there, see `datasets_seen_by`."""
    return datasets_seen_by(user).filter(deleted_at__isnull=True).select_related("owner")


def datasets_seen_by(user: User | AnonymousUser) -> QuerySet[Dataset]:
    """Those of visible projects, the user's own, those that an organization of theirs has for every project, and all of
    the organizations that they own. With deleted ones: what runs did with them stays true."""
    datasets = Dataset.objects.all()
    if not isinstance(user, User) or not user.is_active:
        return datasets.none()
    if user.is_superuser:
        return datasets
    projects = Project.objects.filter(visible_to(user))
    named = Dataset.projects.through.objects.filter(
        project__in=projects, project__owner_id=F("dataset__owner_id")
    )
    return datasets.filter(
        Q(owner_id=user.pk)
        | Q(administered_by(user, "owner_id"))
        | Q(pk__in=named.values("dataset_id"))
        | Q(for_every_project=True, owner_id__in=projects.values("owner_id"))
        | Q(organizations_of(user, "owner_id"), for_every_project=True)
    )


def usable_by(project: Project) -> QuerySet[Dataset]:
    """Those that new runs of the project can use."""
    return usable_before(project).filter(deleted_at__isnull=True)


def usable_before(project: Project) -> QuerySet[Dataset]:
    """With those that were deleted since: a run that was created with one keeps it, as names are never given again."""
    return Dataset.objects.filter(
        Q(for_every_project=True)
        | Q(pk__in=Dataset.projects.through.objects.filter(project=project).values("dataset_id")),
        owner_id=project.owner_id,
    ).select_related("owner")


def capabilities_on(user: User | AnonymousUser, dataset: Dataset) -> frozenset[Capability]:
    """What `user` may do with it. ADMINISTER, to decide for whom it is there, is the owner's."""
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    if user.is_superuser or dataset.owner_id == user.pk:
        return EVERYTHING
    organization = Organization.objects.filter(pk=dataset.owner_id).first()
    in_organization = capabilities_in(user, organization) if organization else NOTHING
    if Capability.ADMINISTER in in_organization:
        return EVERYTHING
    if dataset.for_every_project:
        if in_organization:
            return in_organization
        seen = Project.objects.filter(visible_to(user), owner_id=dataset.owner_id).exists()
        return LOOKING if seen else NOTHING
    projects = dataset.projects.filter(owner_id=dataset.owner_id)
    granted = capabilities_among(user, projects).values()
    return frozenset().union(*granted) - {Capability.ADMINISTER}


def require_edit(user: User, dataset: Dataset) -> None:
    """Raises `DatasetForbidden`."""
    if Capability.EDIT not in capabilities_on(user, dataset):
        raise DatasetForbidden(dataset.name)


def require_administration(user: User, dataset: Dataset) -> None:
    if Capability.ADMINISTER not in capabilities_on(user, dataset):
        raise DatasetForbidden(dataset.name)


def require_creation(user: User, owner: Owner) -> None:
    """Raises `DatasetOwnerRefused` unless the user may make datasets for every project of the owner."""
    if user.is_superuser or owner.pk == user.pk:
        return
    organization = Organization.objects.filter(pk=owner.pk).first()
    if organization is None or Capability.EDIT not in capabilities_in(user, organization):
        raise DatasetOwnerRefused(owner)


def visible_projects(user: User, dataset: Dataset) -> QuerySet[Project]:
    """Those among the projects that it is there for of which the user may know."""
    named = dataset.projects.filter(visible_to(user), owner_id=dataset.owner_id)
    return named.select_related("owner").order_by("name")


def pages_of(user: User, datasets: Iterable[Dataset], home: UUID | None) -> dict[UUID, Project]:
    """By the id of a dataset, the project on whose pages it opens for the user: `home` if that can use it, else the oldest that
    can. None for deleted datasets, and for those that no visible project can use."""
    there = {dataset.pk: dataset for dataset in datasets if dataset.deleted_at is None}
    owners = {dataset.owner_id for dataset in there.values()}
    seen = (
        Project.objects.filter(visible_to(user), owner_id__in=owners).select_related("owner").order_by("pk")
    )
    named = Dataset.projects.through.objects.filter(dataset__in=there.keys())
    links = set(named.values_list("dataset_id", "project_id"))
    found: dict[UUID, Project] = {}
    for project in sorted(seen, key=lambda project: project.pk != home):
        for pk, dataset in there.items():
            usable = dataset.for_every_project or (pk, project.pk) in links
            if usable and dataset.owner_id == project.owner_id:
                found.setdefault(pk, project)
    return found


def editable_projects(user: User, owner_id: int, project_ids: "set[UUID] | list[UUID]") -> list[Project]:
    """Those among them that belong to the owner and in which the user works."""
    projects = list(
        Project.objects.filter(visible_to(user), owner_id=owner_id, pk__in=project_ids).select_related(
            "owner"
        )
    )
    granted = capabilities_among(user, projects)
    return [project for project in projects if Capability.EDIT in granted[project.pk]]
