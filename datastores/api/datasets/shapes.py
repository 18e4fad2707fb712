"""How datasets, versions and aliases look in answers, as the official clients' scripts read them."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from common.rest.links import absolute
from common.rest.times import timestamp
from datastores.datasets.contents import files_of
from datastores.models import Dataset, DatasetVersion, DatasetVersionAlias

FILE_COLUMNS = (
    "name",
    "datum_id",
    "datum__size_bytes",
    "datum__md5",
    "datum__sha1",
    "datum__sha256",
    "datum__purged_at",
    "datum__project__owner_id",
)


class DatasetBriefShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class DatasetPersonShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class DatasetVersionBriefShape(DatasetBriefShape):
    uri = serializers.CharField()
    ctime = serializers.DateTimeField()


class DatasetShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    owner = DatasetPersonShape()
    for_every_project = serializers.BooleanField(help_text="Of the owner; otherwise see the next field.")
    associated_project_ids = serializers.ListField(child=serializers.UUIDField())
    latest_version = DatasetVersionBriefShape(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField(help_text="The free properties of the dataset.")
    notes = serializers.CharField()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.URLField()


class DatasetFileDatumShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    size = serializers.IntegerField()
    md5 = serializers.CharField(allow_null=True)
    sha1 = serializers.CharField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)
    purged = serializers.BooleanField()
    deleted = serializers.BooleanField(help_text="Its project was deleted, or belongs to somebody else now.")


class DatasetFileShape(serializers.Serializer[Any]):
    datum = DatasetFileDatumShape()


class DatasetVersionExecutionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    counter = serializers.IntegerField()


class DatasetVersionRowShape(DatasetVersionBriefShape):
    dataset = DatasetBriefShape()
    previous_version = serializers.UUIDField(allow_null=True)
    file_count = serializers.IntegerField()
    size = serializers.IntegerField()
    created_by = DatasetPersonShape(allow_null=True)
    execution = DatasetVersionExecutionShape(allow_null=True, help_text="Whose outputs made it.")
    aliases = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField(help_text="The free properties of the version.")
    notes = serializers.CharField()
    packaging = serializers.BooleanField(
        help_text="Whether packages are wanted; how far they are, `packaging/` says."
    )
    mtime = serializers.DateTimeField()
    url = serializers.URLField()


class DatasetVersionShape(DatasetVersionRowShape):
    files = DatasetFileShape(many=True)


class DatasetVersionAliasShape(DatasetBriefShape):
    uri = serializers.CharField()
    dataset = DatasetBriefShape()
    version = DatasetVersionBriefShape()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    url = serializers.URLField()


class DatasetDifferencePartShape(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    files = DatasetFileShape(many=True, help_text="The first ones.")


class DatasetDifferenceShape(serializers.Serializer[Any]):
    old = DatasetVersionBriefShape()
    new = DatasetVersionBriefShape()
    added = DatasetDifferencePartShape()
    removed = DatasetDifferencePartShape()
    changed = DatasetDifferencePartShape()


def dataset_body(dataset: Dataset, request: Request, latest: DatasetVersion | None) -> dict[str, Any]:
    return {
        "id": str(dataset.pk),
        "name": dataset.name,
        "owner": {"id": dataset.owner_id, "username": dataset.owner.name},
        "for_every_project": dataset.for_every_project,
        "associated_project_ids": [
            str(project.pk) for project in dataset.projects.all() if project.owner_id == dataset.owner_id
        ],
        "latest_version": version_brief(latest, dataset) if latest else None,
        "tags": dataset.tags,
        "metadata": dataset.properties,
        "notes": dataset.notes,
        "ctime": timestamp(dataset.created_at),
        "mtime": timestamp(dataset.updated_at),
        "url": absolute(request, "dataset-detail", dataset_id=dataset.pk),
    }


def version_brief(version: DatasetVersion, dataset: Dataset) -> dict[str, Any]:
    return {
        "id": str(version.pk),
        "name": version.name,
        "uri": f"dataset://{dataset.name}/{version.name}",
        "ctime": timestamp(version.created_at),
    }


def version_row(version: DatasetVersion, request: Request) -> dict[str, Any]:
    creator = version.creator
    by = {"id": version.execution_id and str(version.execution_id), "counter": version.execution_counter}
    return {
        **version_brief(version, version.dataset),
        "dataset": {"id": str(version.dataset_id), "name": version.dataset.name},
        "previous_version": str(version.previous_version_id) if version.previous_version_id else None,
        "file_count": version.file_count,
        "size": version.size_bytes,
        "created_by": {"id": creator.pk, "username": creator.username} if creator else None,
        "execution": by if version.execution_id else None,
        "aliases": sorted(alias.name for alias in version.aliases.all()),
        "tags": version.tags,
        "metadata": version.properties,
        "notes": version.notes,
        "packaging": version.wants_package,
        "mtime": timestamp(version.updated_at),
        "url": absolute(request, "dataset-version-detail", version_id=version.pk),
    }


def version_body(version: DatasetVersion, request: Request, *, with_files: bool) -> dict[str, Any]:
    body = version_row(version, request)
    if with_files:
        rows = files_of(version).select_related(None).values_list(*FILE_COLUMNS)
        body["files"] = file_bodies(rows.iterator(chunk_size=5000), version.dataset.owner_id)
    return body


def file_bodies(rows: Iterable[Any], owner_id: int) -> list[dict[str, Any]]:
    """`rows` as `FILE_COLUMNS`. Of a file that is no longer the owner's, only its name is told."""
    return [{"datum": _datum(row, owner_id)} for row in rows]


def _datum(row: tuple[Any, ...], owner_id: int) -> dict[str, Any]:
    name, datum_id, size, md5, sha1, sha256, purged_at, belongs_to = row
    if belongs_to != owner_id:
        datum_id, size, md5, sha1, sha256, purged_at = None, 0, None, None, None, None
    return {
        "id": datum_id and str(datum_id),
        "name": name,
        "size": size,
        "md5": md5,
        "sha1": sha1,
        "sha256": sha256,
        "purged": purged_at is not None,
        "deleted": datum_id is None,
    }


def alias_body(alias: DatasetVersionAlias, request: Request) -> dict[str, Any]:
    return {
        "id": str(alias.pk),
        "name": alias.name,
        "uri": f"dataset://{alias.dataset.name}/{alias.name}",
        "dataset": {"id": str(alias.dataset_id), "name": alias.dataset.name},
        "version": version_brief(alias.version, alias.dataset),
        "ctime": timestamp(alias.created_at),
        "mtime": timestamp(alias.updated_at),
        "url": absolute(request, "dataset-version-alias-detail", alias_id=alias.pk),
    }


def part_body(files: Any, owner_id: int, most: int) -> dict[str, Any]:
    rows = files.select_related(None).values_list(*FILE_COLUMNS)
    return {"count": files.count(), "files": file_bodies(rows[:most], owner_id)}
