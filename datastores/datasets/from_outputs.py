"""Versions that the outputs of an execution ask for. They are made when it has ended and its outputs are stored.

What is wrong does not lose the files: it is kept in words at the files that asked for the version, and is a line in the log.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from common.errors import DomainError
from datastores.datasets import access, contents
from datastores.datasets.errors import (
    DatasetForbidden,
    DatasetNameTaken,
    DatasetUnknown,
    VersionUnknown,
    listed,
)
from datastores.datasets.models import Dataset, DatasetVersion
from datastores.datasets.names import Address
from datastores.datasets.selectors import find_version, names_in
from datastores.datasets.services import (
    Made,
    NewVersion,
    add_projects,
    insert_dataset,
    insert_version,
    point_alias,
)
from datastores.datasets.wishes import WantedVersion, circle_of, gathered
from datastores.models import Datum
from organizations.access import Capability
from projects.models import Project

_COMPLAIN = """
    UPDATE datastores_datum SET metadata_errors = metadata_errors || jsonb_build_array(%s::text)
    WHERE id = ANY(%s) AND NOT metadata_errors @> jsonb_build_array(%s::text)
"""


class NotMade(DomainError):
    """A version that outputs ask for cannot be made; the message says why."""


def outputs_ask_for_versions(execution_id: UUID) -> bool:
    return _asking(execution_id).exists()


def make_versions(
    *, execution_id: UUID, counter: int, project: Project, creator: User | None, status: str, succeeded: bool
) -> list[str]:
    """Make what the stored outputs of the execution ask for; sentences about what could not be made as it was asked for.

    Runs inside the transaction that ends the execution, once. `succeeded`: only then are versions made, since what a run
    that failed leaves behind may be half of it.
    """
    wanted = _wanted(execution_id)
    made = Made(creator, execution_id, counter, project)
    notices = []
    for version in wanted:
        try:
            if not succeeded:
                raise NotMade(
                    f"the execution ended as {status}. Its files are kept; make the version of them on the page Datasets."
                )
            with transaction.atomic():
                warnings = _make(version, wanted, made, project)
        except DomainError as error:
            warnings = [f"not made: {error.message}"]
        for warning in warnings:
            notices.append(f"{version.address}: {warning}")
            _complain(version, notices[-1])
    return notices


def _asking(execution_id: UUID) -> QuerySet[Datum]:
    stored = Datum.objects.filter(output_execution_id=execution_id, stored_at__isnull=False)
    return stored.exclude(dataset_versions=[])


def _wanted(execution_id: UUID) -> list[WantedVersion]:
    rows = _asking(execution_id).order_by("id").values_list("id", "name", "dataset_versions")
    return gathered(rows.iterator(chunk_size=5000))


def _make(wanted: WantedVersion, others: Sequence[WantedVersion], made: Made, project: Project) -> list[str]:
    """Make one version and say what is odd about it. Raises a `DomainError` when it cannot be."""
    _check_itself(wanted, others)
    dataset = _dataset(wanted.address, made, project)
    warnings = _share(dataset, wanted, made)
    base = _base(wanted.base, project) if wanted.base else None
    left_out = contents.left_out(base, list(wanted.exclude))
    if left_out.idle:
        of = f"file of {base.uri}" if base else "file, as there is no 'from'"
        warnings.append(
            f"'exclude' has {listed(left_out.idle)}, which matches no {of}. The version is made all the same."
        )
    version = insert_version(
        dataset,
        NewVersion(
            name=wanted.address.version,
            files=wanted.datum_ids,
            base=base,
            tags=list(wanted.tags),
            properties=wanted.metadata,
            wants_package=wanted.packaging,
        ),
        left_out.file_ids,
        made,
    )
    if twice := len(wanted.datum_ids) - len(wanted.names):
        warnings.append(f"{twice} of its files had the name of a later one, which is in the version instead.")
    return warnings + _point_aliases(version, list(wanted.aliases), made)


def _check_itself(wanted: WantedVersion, others: Sequence[WantedVersion]) -> None:
    if wanted.problems:
        raise NotMade(" ".join(wanted.problems))
    if len(wanted.bases) > 1:
        bases = [str(base) for base in wanted.bases.values()]
        raise NotMade(f"its files name several versions in 'from': {listed(bases)}. Name one.")
    if circle := circle_of(wanted, others):
        way = " from ".join(str(address) for address in circle)
        raise NotMade(f"it would contain itself: {way}. Name another version in 'from'.")


def _dataset(address: Address, made: Made, project: Project) -> Dataset:
    """The one of this name, made now if there is none. It may have others that work on it: then the creator of the execution
    has to be one of them."""
    dataset = access.usable_by(project).filter(name__iexact=address.dataset).first()
    if dataset is None:
        return _new_dataset(address, made, project)
    if made.creator is not None and Capability.EDIT not in access.capabilities_on(made.creator, dataset):
        raise DatasetForbidden(dataset.name)
    if made.creator is None and dataset.for_every_project:
        raise DatasetForbidden(dataset.name)
    return dataset


def _new_dataset(address: Address, made: Made, project: Project) -> Dataset:
    try:
        return insert_dataset(
            owner=project.owner,
            name=address.dataset,
            projects=[project],
            for_every_project=False,
            creator=made.creator,
        )
    except DatasetNameTaken:
        # Another execution of the project that ended just now may have been first.
        made_meanwhile = access.usable_by(project).filter(name__iexact=address.dataset).first()
        if made_meanwhile is None:
            raise
        return made_meanwhile


def _share(dataset: Dataset, wanted: WantedVersion, made: Made) -> list[str]:
    """With the projects that the files name, as far as the creator of the execution works in them."""
    ids = {UUID(text) for text in wanted.project_ids}
    if not ids or dataset.for_every_project or made.creator is None:
        return []
    allowed = access.editable_projects(made.creator, dataset.owner_id, ids)
    add_projects(dataset, allowed, made)
    missing = ids.difference(project.pk for project in allowed)
    if not missing:
        return []
    names = listed(sorted(map(str, missing)))
    return [f"'associated_project_ids' has {names}, no project of {dataset.owner} in which you work."]


def _base(address: Address, project: Project) -> DatasetVersion:
    known = access.usable_by(project)
    dataset = known.filter(name__iexact=address.dataset).first()
    if dataset is None:
        raise DatasetUnknown(f"'from' {address}", address.dataset, list(known.values_list("name", flat=True)))
    version = find_version(dataset, address.version)
    if version is None:
        raise VersionUnknown(f"'from' {address}", dataset.name, names_in(dataset))
    return version


def _point_aliases(version: DatasetVersion, names: Sequence[str], made: Made) -> list[str]:
    warnings = []
    for name in names:
        try:
            with transaction.atomic():
                point_alias(version, name, made)
        except DomainError as error:
            warnings.append(f"'targeting_aliases': {error.message}")
    return warnings


def _complain(version: WantedVersion, notice: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COMPLAIN, [notice, version.datum_ids, notice])
