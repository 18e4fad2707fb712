"""Reads of datasets. Lists start from what the user may see."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from datastores.datasets.access import datasets_for, usable_by
from datastores.datasets.errors import DatasetNotFound, VersionAliasNotFound, VersionNotFound
from datastores.datasets.models import Dataset, DatasetVersion, DatasetVersionAlias, DatasetVersionAliasMove
from datastores.datasets.names import LATEST, normalized
from organizations.access import visible_to
from projects.models import Project
from projects.selectors import as_uuid

LISTED = 200
"""Names that an error lists at most, before it shortens them."""


def get_dataset(user: User | AnonymousUser, dataset_id: UUID | str) -> Dataset:
    dataset = datasets_for(user).filter(pk=_id(dataset_id)).first()
    if dataset is None:
        raise DatasetNotFound(dataset_id)
    return dataset


def usable_in(
    datasets: QuerySet[Dataset], user: User | AnonymousUser, project_id: UUID | None
) -> QuerySet[Dataset]:
    """Those among them that a project can use; none when the user does not see the project."""
    project = Project.objects.filter(visible_to(user), pk=project_id).first() if project_id else None
    return datasets.filter(pk__in=usable_by(project).values("pk")) if project else datasets.none()


def matching(word: str) -> Q:
    """The filter for datasets and versions that have the word in their name or as a tag."""
    return Q(name__icontains=word) | Q(tags__contains=[word])


def versions_for(user: User | AnonymousUser) -> QuerySet[DatasetVersion]:
    return DatasetVersion.objects.filter(dataset__in=datasets_for(user)).select_related(
        "dataset", "dataset__owner", "creator", "execution_project", "execution_project__owner"
    )


def get_version(user: User | AnonymousUser, version_id: UUID | str) -> DatasetVersion:
    version = versions_for(user).filter(pk=_id(version_id)).first()
    if version is None:
        raise VersionNotFound(version_id)
    return version


def aliases_for(user: User | AnonymousUser) -> QuerySet[DatasetVersionAlias]:
    return DatasetVersionAlias.objects.filter(dataset__in=datasets_for(user)).select_related(
        "dataset", "dataset__owner", "version"
    )


def get_alias(user: User | AnonymousUser, alias_id: UUID | str) -> DatasetVersionAlias:
    alias = aliases_for(user).filter(pk=_id(alias_id)).first()
    if alias is None:
        raise VersionAliasNotFound(alias_id)
    return alias


def latest_of(dataset: Dataset) -> DatasetVersion | None:
    return dataset.versions.order_by("-id").first()


def latest_of_each(datasets: Sequence[Dataset]) -> dict[UUID, DatasetVersion]:
    """By the id of the dataset; in one query."""
    newest = DatasetVersion.objects.filter(dataset__in=datasets).order_by("dataset_id", "-id")
    return {version.dataset_id: version for version in newest.distinct("dataset_id")}


def find_version(dataset: Dataset, reference: str) -> DatasetVersion | None:
    """The version that an address means: `latest`, the name of a version, an alias, or an id."""
    name = normalized(reference)
    versions = dataset.versions.select_related("dataset", "dataset__owner")
    if name.casefold() == LATEST:
        return versions.order_by("-id").first()
    found = versions.filter(name__iexact=name).first()
    if found is None:
        found = versions.filter(aliases__dataset=dataset, aliases__name__iexact=name).first()
    if found is None and (identifier := as_uuid(name)):
        found = versions.filter(pk=identifier).first()
    return found


def names_in(dataset: Dataset) -> list[str]:
    """What an address may say behind the dataset: aliases, and versions, the newest first."""
    aliases = list(dataset.aliases.order_by("name").values_list("name", flat=True)[:LISTED])
    versions = list(dataset.versions.order_by("-id").values_list("name", flat=True)[:LISTED])
    return [LATEST, *aliases, *versions] if versions else []


def moves_of(dataset: Dataset) -> QuerySet[DatasetVersionAliasMove]:
    """The newest first."""
    related = ("previous_version", "version", "mover")
    return dataset.alias_moves.select_related(*related).order_by("-id")


def versions_of_execution(user: User | AnonymousUser, execution_id: UUID) -> QuerySet[DatasetVersion]:
    """Those that the outputs of an execution made."""
    return versions_for(user).filter(execution_id=execution_id).order_by("id")


def _id(text: UUID | str) -> UUID:
    """The id in a text; for a text that is none, an id that nothing has."""
    return as_uuid(str(text)) or UUID(int=0)
