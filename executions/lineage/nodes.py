"""What the graph shows of each node. There may be ten thousand: plain values are read, not models, and ids are text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.urls import reverse

from accounts.models import User
from common.rest.times import timestamp
from datastores.datasets.access import pages_of
from datastores.models import DatasetVersion, Datum
from executions.lineage.kinds import Kind
from executions.lineage.queries import as_array
from executions.models import Execution, InputAddress
from projects.models import Project

_PLACE = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Wanted:
    user: User
    ids: set[str]
    home: UUID | None


Loader = Callable[[Wanted], Iterator[dict[str, Any]]]


def load(user: User, ids: dict[Kind, set[str]], home: UUID | None) -> Iterator[dict[str, Any]]:
    """One object a node, in no order; a constant number of queries for each kind."""
    for kind, loader in _LOADERS.items():
        if ids.get(kind):
            yield from loader(Wanted(user, ids[kind], home))


def _files(wanted: Wanted) -> Iterator[dict[str, Any]]:
    columns = ("name", "size_bytes", "created_at", "purged_at", "tags")
    rows = _rows(Datum.objects.all(), wanted.ids, *columns)
    places = _places("project_datum", {row[1] for row in rows})
    for pk, project_id, name, size_bytes, created_at, purged_at, tags in rows:
        project, before, after = places[project_id]
        yield {
            "id": pk,
            "kind": "file",
            "name": name,
            "project": project,
            "url": f"{before}{pk}{after}",
            "trace_url": f"{before}{pk}{after}trace/",
            "ctime": timestamp(created_at),
            "size": size_bytes,
            "purged": purged_at is not None,
            "tags": tags,
        }


def _executions(wanted: Wanted) -> Iterator[dict[str, Any]]:
    columns = ("counter", "title", "step", "status", "created_at", "deleted_at")
    rows = _rows(Execution.objects.all(), wanted.ids, *columns)
    places = _places("execution", {row[1] for row in rows})
    for pk, project_id, counter, title, step, status, created_at, deleted_at in rows:
        project, before, after = places[project_id]
        yield {
            "id": pk,
            "kind": "execution",
            "name": f"#{counter} {title or step}",
            "project": project,
            "url": f"{before}{pk}{after}",
            "trace_url": f"{before}{pk}{after}trace/",
            "ctime": timestamp(created_at),
            "counter": counter,
            "step": step,
            "status": status,
            "deleted": deleted_at is not None,
        }


def _versions(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Each opens in a project that the user sees and that can use it; in none, or when its dataset was deleted, nowhere."""
    versions = list(DatasetVersion.objects.filter(pk__in=wanted.ids).select_related("dataset__owner"))
    projects = pages_of(wanted.user, {version.dataset for version in versions}, wanted.home)
    for version in versions:
        project = projects.get(version.dataset_id)
        names = [project.owner.name, project.name] if project else []
        yield {
            "id": str(version.pk),
            "kind": "version",
            "name": str(version),
            "project": project.full_name if project else "",
            "url": _page_of(version, "project_dataset_version", names),
            "trace_url": _page_of(version, "project_dataset_version_trace", names),
            "ctime": timestamp(version.created_at),
            "size": version.size_bytes,
            "files": version.file_count,
            "tags": version.tags,
            "deleted": version.dataset.deleted_at is not None,
        }


def _addresses(wanted: Wanted) -> Iterator[dict[str, Any]]:
    addresses = InputAddress.objects.filter(
        pk__in=RawSQL("SELECT unnest(%s::uuid[])", [as_array(wanted.ids)])
    )
    rows = addresses.values_list("pk", "address", "created_at", "project__owner__name", "project__name")
    for pk, address, created_at, owner, project in rows:
        yield {
            "id": str(pk),
            "kind": "address",
            "name": address,
            "project": f"{owner}/{project}",
            "url": "",
            "trace_url": "",
            "ctime": timestamp(created_at),
        }


def _rows(source: QuerySet[Any], ids: set[str], *columns: str) -> list[tuple[Any, ...]]:
    """Id, id of the project, and the columns."""
    among = source.filter(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [as_array(ids)]))
    named = among.annotate(id_text=Cast("pk", TextField()), project_text=Cast("project_id", TextField()))
    return list(named.values_list("id_text", "project_text", *columns))


def _places(route: str, project_ids: set[str]) -> dict[str, tuple[str, str, str]]:
    """Of each project: its name, and what stands before and behind the id of a node in the address of its page."""
    names = Project.objects.filter(pk__in=project_ids).values_list("pk", "owner__name", "name")
    found = {}
    for pk, owner, name in names:
        before, after = reverse(route, args=[owner, name, _PLACE]).split(_PLACE)
        found[str(pk)] = (f"{owner}/{name}", before, after)
    return found


def _page_of(version: DatasetVersion, route: str, names: list[str]) -> str:
    return reverse(route, args=[*names, version.dataset_id, version.pk]) if names else ""


_LOADERS: dict[Kind, Loader] = {
    Kind.FILE: _files,
    Kind.EXECUTION: _executions,
    Kind.VERSION: _versions,
    Kind.ADDRESS: _addresses,
}
