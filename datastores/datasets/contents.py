"""The files of a version: written by one statement however many they are, read in pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from datastores.addresses import is_pattern, matcher
from datastores.datasets.models import DatasetFile, DatasetVersion

_WRITE = """
    WITH new AS (
        SELECT DISTINCT ON (datum.name) datum.id AS datum_id, datum.name AS name
        FROM datastores_datum datum
        WHERE datum.id = ANY(%(datums)s)
        ORDER BY datum.name, datum.id DESC
    ),
    carried AS (
        SELECT file.datum_id, file.name
        FROM datastores_datasetfile file
        WHERE file.version_id = %(base)s
          AND NOT EXISTS (SELECT FROM unnest(%(left_out)s::bigint[]) AS out(id) WHERE out.id = file.id)
          AND NOT EXISTS (SELECT FROM new WHERE new.name = file.name)
    )
    INSERT INTO datastores_datasetfile (version_id, datum_id, name)
    SELECT %(version)s, every.datum_id, every.name
    FROM (SELECT * FROM new UNION ALL SELECT * FROM carried) every
    ORDER BY every.name COLLATE "C"
"""
_MEASURE = """
    SELECT count(*), coalesce(sum(datum.size_bytes), 0)
    FROM datastores_datasetfile file LEFT JOIN datastores_datum datum ON datum.id = file.datum_id
    WHERE file.version_id = %s
"""


@dataclass(frozen=True)
class LeftOut:
    """Which files of a version some patterns name, and which patterns name none."""

    file_ids: list[int] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)


def left_out(base: DatasetVersion | None, patterns: Sequence[str]) -> LeftOut:
    """A pattern is a name, `*` stands for anything within a folder, `**` in any number of them, and `folder/` is everything
    below one."""
    if base is None or not patterns:
        return LeftOut(idle=list(patterns))
    ids = dict(DatasetFile.objects.filter(version=base).values_list("name", "pk"))
    found: set[int] = set()
    idle = []
    for pattern in patterns:
        matching = _matching(ids, pattern)
        found.update(ids[name] for name in matching)
        if not matching:
            idle.append(pattern)
    return LeftOut(sorted(found), idle)


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    if isinstance(names, dict) and pattern in names:
        return [pattern]
    if not is_pattern(pattern) and not pattern.endswith("/"):
        return []
    matches = matcher(pattern if is_pattern(pattern) else pattern + "**").match
    return [name for name in names if matches(name)]


def write_files(
    version: DatasetVersion,
    *,
    datum_ids: Iterable[UUID],
    base: DatasetVersion | None,
    left_out_ids: Sequence[int],
) -> None:
    """The files of a new version: those of `base` without some, and the given ones, which take the place of files with the same
    name. Of given ones with the same name the newest is taken."""
    values: dict[str, Any] = {
        "version": version.pk,
        "datums": list(datum_ids),
        "base": base.pk if base else None,
        "left_out": list(left_out_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        cursor.execute(_MEASURE, [version.pk])
        version.file_count, version.size_bytes = (int(number) for number in cursor.fetchone())
    version.save(update_fields=["file_count", "size_bytes"])


def files_of(version: DatasetVersion, search: str = "") -> QuerySet[DatasetFile]:
    """In the order of their names; with `search`, those of which every word of it is in the name."""
    files = DatasetFile.objects.filter(version=version).select_related("datum").order_by("pk")
    for word in search.replace("\0", "").split():
        files = files.filter(name__icontains=word)
    return files


def readable(files: QuerySet[DatasetFile], owner_id: int) -> QuerySet[DatasetFile]:
    """Those whose content is there, in projects that still belong to the dataset's owner."""
    return files.filter(_readable(owner_id))


def unreadable(files: QuerySet[DatasetFile], owner_id: int) -> QuerySet[DatasetFile]:
    return files.exclude(Q(datum__isnull=False) & _readable(owner_id))


def _readable(owner_id: int) -> Q:
    return Q(datum__purged_at__isnull=True, datum__isnull=False, datum__project__owner_id=owner_id)


@dataclass(frozen=True)
class Difference:
    """How the files of one version differ from those of an older one."""

    added: QuerySet[DatasetFile]
    removed: QuerySet[DatasetFile]
    changed: QuerySet[DatasetFile]
    """The newer ones of those that are in both under the same name, with another content."""


def difference(old: DatasetVersion, new: DatasetVersion) -> Difference:
    in_old, in_new = _named_alike(old), _named_alike(new)
    same = in_old.filter(Q(datum_id=OuterRef("datum_id")) | Q(datum__sha256=OuterRef("datum__sha256")))
    return Difference(
        added=files_of(new).filter(~Exists(in_old)),
        removed=files_of(old).filter(~Exists(in_new)),
        changed=files_of(new).filter(Exists(in_old), ~Exists(same)),
    )


def _named_alike(version: DatasetVersion) -> QuerySet[DatasetFile]:
    return DatasetFile.objects.filter(version=version, name=OuterRef("name"))
