"""Versions of datasets as inputs of executions."""

from uuid import UUID

from django.db.models import QuerySet

from datastores.datasets.access import usable_before, usable_by
from datastores.datasets.contents import files_of, readable, unreadable
from datastores.datasets.errors import (
    MOST_NAMES,
    DatasetAddressRefused,
    DatasetUnknown,
    VersionEmpty,
    VersionIncomplete,
    VersionUnknown,
)
from datastores.datasets.models import Dataset, DatasetFile, DatasetVersion
from datastores.datasets.names import Address, parse_address
from datastores.datasets.selectors import find_version, names_in
from projects.models import Project


def version_for(project: Project, uri: str) -> DatasetVersion:
    """The version that an address means for a new run of a project, all of its files readable.

    Raises `DatasetAddressRefused`, `DatasetUnknown`, `VersionUnknown`, `VersionEmpty` or `VersionIncomplete`.
    """
    return _version(uri, usable_by(project))


def version_kept(project: Project, uri: str, *, check_whole: bool = True) -> DatasetVersion:
    """The same for a run that is there, by the address that it keeps; also when the dataset was deleted meanwhile."""
    return _version(uri, usable_before(project), check_whole=check_whole)


def versions_at(project: Project, uris: set[str]) -> dict[str, UUID]:
    """The ids of the versions that resolved addresses name, as far as they are there."""
    named = {uri: parse_address(uri) for uri in uris}
    versions = DatasetVersion.objects.filter(
        dataset__in=usable_before(project),
        dataset__name__in={address.dataset for address in named.values()},
        name__in={address.version for address in named.values()},
    )
    ids = {
        Address(dataset, name): pk
        for pk, dataset, name in versions.values_list("pk", "dataset__name", "name")
    }
    return {uri: ids[address] for uri, address in named.items() if address in ids}


def files_after(version: DatasetVersion, after: str) -> QuerySet[DatasetFile]:
    """The readable files of a version behind the row with this id, in the order of their names; "" begins at the first."""
    files = readable(files_of(version), version.dataset.owner_id)
    return files.filter(pk__gt=int(after)) if after else files


def _version(uri: str, known: QuerySet[Dataset], *, check_whole: bool = True) -> DatasetVersion:
    try:
        address = parse_address(uri)
    except DatasetAddressRefused as error:
        error.field = "inputs"
        raise
    dataset = known.filter(name__iexact=address.dataset).first()
    if dataset is None:
        raise DatasetUnknown(
            uri, address.dataset, list(known.order_by("name").values_list("name", flat=True))
        )
    version = find_version(dataset, address.version)
    if version is None:
        raise VersionUnknown(uri, dataset.name, names_in(dataset))
    if check_whole:
        _check_whole(version)
    return version


def _check_whole(version: DatasetVersion) -> None:
    if not version.file_count:
        raise VersionEmpty(version.uri)
    gone = unreadable(files_of(version), version.dataset.owner_id)
    names = list(gone.values_list("name", flat=True)[:MOST_NAMES])
    if names:
        raise VersionIncomplete(version.uri, names, gone.count())
