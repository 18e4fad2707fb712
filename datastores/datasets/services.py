"""Writes on datasets: create and describe them, add versions, point aliases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.expressions import RawSQL

from accounts.models import Owner, User
from audit.services import record, record_change
from common import clock
from common.notices import publish_on_commit
from datastores.datasets import access, contents
from datastores.datasets.errors import (
    AliasNameTaken,
    DatasetNameTaken,
    DatasetProjectsRefused,
    ExcludeRefused,
    FilesRefused,
    TagsRefused,
    VersionNameTaken,
    listed,
)
from datastores.datasets.models import Dataset, DatasetVersion, DatasetVersionAlias, DatasetVersionAliasMove
from datastores.datasets.names import checked_alias_name, checked_dataset_name, checked_version_name
from datastores.datasets.packaging.services import drop_packages_of, plan_on_commit
from datastores.errors import PropertiesRefused
from datastores.models import Datum
from datastores.names import MAX_TAG_LENGTH, is_tag
from datastores.properties import plain_properties
from projects.models import Project

LONGEST_NOTES = 20_000


@dataclass(frozen=True)
class NewVersion:
    """What a version is to be. `files` are ids of datums; `base` is the version whose files it takes over, without `exclude`."""

    name: str
    files: Sequence[UUID] = ()
    base: DatasetVersion | None = None
    exclude: Sequence[str] = ()
    previous: DatasetVersion | None = None
    tags: Sequence[str] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    wants_package: bool = False


@dataclass(frozen=True)
class Made:
    """Who or what made a version: a person, or the outputs of an execution."""

    creator: User | None
    execution_id: UUID | None = None
    execution_counter: int | None = None
    project: Project | None = None


@transaction.atomic
def create_dataset(
    *,
    actor: User,
    owner: Owner,
    name: str,
    project_ids: Sequence[UUID] | None = None,
    tags: Sequence[str] = (),
    properties: Mapping[str, Any] | None = None,
    notes: str = "",
) -> Dataset:
    """There for the given projects of the owner; None: for every one, which takes the right to work in the organization.

    Raises `DatasetNameRefused`, `DatasetNameTaken`, `DatasetOwnerRefused`, `DatasetProjectsRefused` or `PropertiesRefused`.
    """
    projects: list[Project] = []
    if project_ids is None:
        access.require_creation(actor, owner)
    else:
        projects = _editable(actor, owner, project_ids)
    dataset = insert_dataset(
        owner=owner, name=name, projects=projects, for_every_project=project_ids is None, creator=actor
    )
    return change_dataset(dataset=dataset, actor=actor, tags=tags, properties=properties, notes=notes)


def insert_dataset(
    *, owner: Owner, name: str, projects: Iterable[Project], for_every_project: bool, creator: User | None
) -> Dataset:
    """Without asking who may; raises `DatasetNameRefused` or `DatasetNameTaken`."""
    checked = checked_dataset_name(name)
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                owner=owner, name=checked, for_every_project=for_every_project, creator=creator
            )
    except IntegrityError:
        taken = Dataset.objects.filter(owner=owner, name__iexact=checked).first()
        raise DatasetNameTaken(checked, owner, deleted=bool(taken and taken.deleted_at)) from None
    dataset.projects.set(projects)
    shared = {"for_every_project": for_every_project, "projects": sorted(map(str, projects))}
    record("dataset.created", actor=creator, target=dataset, after=shared)
    _tell(dataset)
    return dataset


@transaction.atomic
def change_dataset(
    *,
    dataset: Dataset,
    actor: User,
    tags: Sequence[str] | None = None,
    properties: Mapping[str, Any] | None = None,
    notes: str | None = None,
) -> Dataset:
    """What is said of it; None leaves a field as it is. Names never change: addresses are made of them."""
    access.require_edit(actor, dataset)
    _describe(dataset, "dataset.changed", actor, tags, properties, notes)
    _tell(dataset)
    return dataset


@transaction.atomic
def share_dataset(*, dataset: Dataset, actor: User, project_ids: Sequence[UUID] | None) -> Dataset:
    """Decide for which projects it is there; None: for every one of the owner, which only the owner decides.

    Projects that the actor does not work in stay as they are. Raises `DatasetForbidden` or `DatasetProjectsRefused`.
    """
    access.require_edit(actor, dataset)
    if (project_ids is None) != dataset.for_every_project:
        access.require_administration(actor, dataset)
    before = _shared_with(dataset)
    known = list(dataset.projects.all())
    if project_ids is not None:
        added = set(project_ids).difference(project.pk for project in known)
        removed = {project.pk for project in known}.difference(project_ids)
        dataset.projects.add(*_editable(actor, dataset.owner, sorted(added)))
        dataset.projects.remove(*access.editable_projects(actor, dataset.owner_id, removed))
    dataset.for_every_project = project_ids is None
    dataset.save(update_fields=["for_every_project", "updated_at"])
    record_change("dataset.shared", actor=actor, target=dataset, before=before, after=_shared_with(dataset))
    for project in known:
        publish_on_commit(f"project:{project.pk}", "data")
    _tell(dataset)
    return dataset


def add_projects(dataset: Dataset, projects: Sequence[Project], made: Made) -> None:
    """Without asking who may. Inside a transaction."""
    before = _shared_with(dataset)
    dataset.projects.add(*projects)
    record_change(
        "dataset.shared", actor=made.creator, target=dataset, before=before, after=_shared_with(dataset)
    )


@transaction.atomic
def delete_dataset(*, dataset: Dataset, actor: User) -> None:
    """Hide it. Files stay, and so does its name: an address that once meant something never means something else. Packages
    go: runs that keep a version get its files one by one."""
    access.require_edit(actor, dataset)
    there = Dataset.objects.filter(pk=dataset.pk, deleted_at__isnull=True)
    if there.update(deleted_at=clock.now(), updated_at=clock.now()):
        record("dataset.deleted", actor=actor, target=dataset, before=_shared_with(dataset))
        drop_packages_of(dataset)
        _tell(dataset)


@transaction.atomic
def create_version(*, dataset: Dataset, actor: User, new: NewVersion) -> DatasetVersion:
    """A version made by a person. Its files are those of projects of the dataset's owner in which the actor works.

    Raises `DatasetForbidden`, `DatasetNameRefused`, `VersionNameTaken`, `FilesRefused`, `ExcludeRefused` or
    `PropertiesRefused`; then there is none.
    """
    access.require_edit(actor, dataset)
    _check_versions(dataset, actor, new)
    _check_files(dataset, actor, new.files)
    left_out = contents.left_out(new.base, new.exclude)
    if left_out.idle:
        raise ExcludeRefused(_excludes_nothing(left_out.idle, new.base))
    return insert_version(dataset, new, left_out.file_ids, Made(actor))


def insert_version(
    dataset: Dataset, new: NewVersion, left_out_ids: Sequence[int], made: Made
) -> DatasetVersion:
    """Without asking who may. Inside a transaction; raises `DatasetNameRefused`, `VersionNameTaken` or `FilesRefused`."""
    _lock(dataset)
    name = checked_version_name(new.name)
    _check_version_name(dataset, name)
    version = DatasetVersion.objects.create(
        dataset=dataset,
        name=name,
        previous_version=new.previous or new.base,
        creator=made.creator,
        execution_id=made.execution_id,
        execution_counter=made.execution_counter,
        execution_project=made.project,
        tags=checked_tags(new.tags),
        properties=plain_properties(new.properties),
        notes=checked_notes(new.notes),
        wants_package=new.wants_package,
    )
    contents.write_files(version, datum_ids=new.files, base=new.base, left_out_ids=left_out_ids)
    if not version.file_count:
        raise FilesRefused(f"{version.uri} would hold no files.", code="required")
    if version.wants_package:
        plan_on_commit(version)
    facts = {"files": version.file_count, "size_bytes": version.size_bytes}
    if made.execution_counter:
        facts["execution"] = made.execution_counter
    record("dataset_version.created", actor=made.creator, target=version, after=facts)
    _tell(dataset)
    return version


@transaction.atomic
def change_version(
    *,
    version: DatasetVersion,
    actor: User,
    tags: Sequence[str] | None = None,
    properties: Mapping[str, Any] | None = None,
    notes: str | None = None,
) -> DatasetVersion:
    """What is said of it; its files never change."""
    access.require_edit(actor, version.dataset)
    _describe(version, "dataset_version.changed", actor, tags, properties, notes)
    _tell(version.dataset)
    return version


@transaction.atomic
def set_alias(*, version: DatasetVersion, actor: User, name: str) -> DatasetVersionAlias:
    """Create the alias of the version's dataset, or point it to this version.

    Raises `DatasetForbidden`, `DatasetNameRefused` or `AliasNameTaken`.
    """
    access.require_edit(actor, version.dataset)
    return point_alias(version, name, Made(actor))


@transaction.atomic
def move_alias(*, alias: DatasetVersionAlias, actor: User, version: DatasetVersion) -> DatasetVersionAlias:
    """Point it to another version of its dataset. Raises `DatasetForbidden` or `FilesRefused`."""
    access.require_edit(actor, alias.dataset)
    if version.dataset_id != alias.dataset_id:
        raise FilesRefused(f"{version.uri} is no version of '{alias.dataset.name}'.", field="version")
    return point_alias(version, alias.name, Made(actor))


def point_alias(version: DatasetVersion, name: str, made: Made) -> DatasetVersionAlias:
    """Without asking who may. Inside a transaction."""
    dataset = version.dataset
    _lock(dataset)
    checked = checked_alias_name(name)
    if dataset.versions.filter(name__iexact=checked).exists():
        raise AliasNameTaken(f"dataset://{dataset.name}/{checked}")
    alias = dataset.aliases.filter(name__iexact=checked).select_related("version").first()
    previous = alias.version if alias else None
    if alias is None:
        alias = DatasetVersionAlias.objects.create(dataset=dataset, name=checked, version=version)
    elif previous != version:
        alias.version = version
        alias.save(update_fields=["version", "updated_at"])
    alias.dataset = dataset
    if previous != version:
        _remember_move(alias, previous, version, made)
    return alias


@transaction.atomic
def delete_alias(*, alias: DatasetVersionAlias, actor: User) -> None:
    access.require_edit(actor, alias.dataset)
    _lock(alias.dataset)
    there = DatasetVersionAlias.objects.filter(pk=alias.pk).select_related("version").first()
    if there is not None:
        _remember_move(alias, there.version, None, Made(actor))
        there.delete()


def checked_tags(tags: Sequence[str]) -> list[str]:
    if not all(is_tag(tag) for tag in tags):
        raise TagsRefused(f"Tags are texts of 1 to {MAX_TAG_LENGTH} printable characters.")
    return list(dict.fromkeys(tag.strip() for tag in tags))


def checked_notes(notes: str) -> str:
    text = notes.replace("\0", "").encode("utf-8", "replace").decode().strip()
    if len(text) > LONGEST_NOTES:
        raise PropertiesRefused(f"Notes have at most {LONGEST_NOTES} characters.", field="notes")
    return text


def _describe(
    row: Dataset | DatasetVersion,
    kind: str,
    actor: User,
    tags: Sequence[str] | None,
    properties: Mapping[str, Any] | None,
    notes: str | None,
) -> None:
    names = ("tags", "properties", "notes")
    before = {name: getattr(row, name) for name in names}
    if tags is not None:
        row.tags = checked_tags(tags)
    if properties is not None:
        row.properties = plain_properties(properties)
    if notes is not None:
        row.notes = checked_notes(notes)
    after = {name: getattr(row, name) for name in names}
    if record_change(kind, actor=actor, target=row, before=before, after=after):
        row.save(update_fields=[*names, "updated_at"])


def _check_versions(dataset: Dataset, actor: User, new: NewVersion) -> None:
    """Files of another dataset are shown to more people, too, so that it takes the right to change that one."""
    base, previous = new.base, new.previous
    if base is not None and base.dataset_id != dataset.pk:
        if base.dataset.owner_id != dataset.owner_id:
            raise FilesRefused(f"{base.uri} belongs to another owner.", field="from")
        access.require_edit(actor, base.dataset)
    if previous is not None and previous.dataset_id != dataset.pk:
        raise FilesRefused(f"{previous.uri} is no version of '{dataset.name}'.", field="previous_version")


def _check_files(dataset: Dataset, actor: User, datum_ids: Sequence[UUID]) -> None:
    """Only files of the owner's projects in which the actor works: a dataset shows them to more people."""
    wanted = set(datum_ids)
    # One parameter for all ids: there may be 100,000.
    named = RawSQL("SELECT unnest(%s::uuid[])", [list(wanted)])
    stored = Datum.objects.filter(pk__in=named, stored_at__isnull=False)
    found = dict(stored.values_list("pk", "project_id"))
    allowed = {p.pk for p in access.editable_projects(actor, dataset.owner_id, list(set(found.values())))}
    missing = [str(pk) for pk in datum_ids if found.get(pk) not in allowed]
    if missing:
        raise FilesRefused(
            f"{listed(missing)}: not a file in a project of {dataset.owner} in which you work.",
            code="does_not_exist",
        )
    purged = list(stored.filter(purged_at__isnull=False).values_list("name", flat=True)[:10])
    if purged:
        raise FilesRefused(f"The content of {listed(purged)} was purged. Leave them out.", code="purged")


def _check_version_name(dataset: Dataset, name: str) -> None:
    uri = f"dataset://{dataset.name}/{name}"
    if dataset.versions.filter(name__iexact=name).exists():
        raise VersionNameTaken(uri)
    if dataset.aliases.filter(name__iexact=name).exists():
        raise VersionNameTaken(uri, "alias")


def _excludes_nothing(patterns: Sequence[str], base: DatasetVersion | None) -> str:
    if base is None:
        return f"There is nothing to exclude {listed(list(patterns))} from: name the version to begin with."
    return f"{listed(list(patterns))}: matches no file of {base.uri}."


def _editable(actor: User, owner: Owner, project_ids: Sequence[UUID]) -> list[Project]:
    projects = access.editable_projects(actor, owner.pk, list(project_ids))
    missing = set(project_ids).difference(project.pk for project in projects)
    if missing:
        raise DatasetProjectsRefused(sorted(missing))
    return projects


def _shared_with(dataset: Dataset) -> dict[str, Any]:
    projects = sorted(str(project) for project in dataset.projects.select_related("owner"))
    return {"for_every_project": dataset.for_every_project, "projects": projects}


def _lock(dataset: Dataset) -> None:
    """Names of versions and aliases are given one after the other."""
    Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)


def _remember_move(
    alias: DatasetVersionAlias, previous: DatasetVersion | None, version: DatasetVersion | None, made: Made
) -> None:
    DatasetVersionAliasMove.objects.create(
        dataset=alias.dataset,
        alias_name=alias.name,
        previous_version=previous,
        version=version,
        mover=made.creator,
        execution_counter=made.execution_counter,
    )
    record(
        "dataset_version_alias.set" if version else "dataset_version_alias.removed",
        actor=made.creator,
        target=alias,
        before={"version": previous.name} if previous else {},
        after={"version": version.name} if version else {},
    )
    _tell(alias.dataset)


def _tell(dataset: Dataset) -> None:
    for project_id in dataset.projects.values_list("pk", flat=True):
        publish_on_commit(f"project:{project_id}", "data")
