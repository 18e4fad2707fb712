"""What the graph shows of each node. Lists may have ten thousand, so plain values are read, not models."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.urls import reverse

from common.rest.times import timestamp
from datastores.models import Datum
from executions.lineage.kinds import Kind
from executions.models import Execution
from projects.models import Project

_PLACE = "00000000-0000-0000-0000-000000000000"


class Addresses:
    """Of pages of nodes: a pattern per project and kind, made once."""

    def __init__(self, project_ids: set[UUID]) -> None:
        names = Project.objects.filter(pk__in=project_ids).values_list("pk", "owner__name", "name")
        self._names = {pk: {"owner": owner, "project": name} for pk, owner, name in names}
        self._patterns: dict[tuple[str, UUID], str] = {}

    def page(self, route: str, parameter: str, project_id: UUID, node_id: UUID) -> str:
        pattern = self._patterns.get((route, project_id))
        if pattern is None:
            pattern = reverse(route, kwargs={**self._names[project_id], parameter: _PLACE})
            self._patterns[route, project_id] = pattern
        return pattern.replace(_PLACE, str(node_id))

    def project(self, project_id: UUID) -> str:
        names = self._names[project_id]
        return f"{names['owner']}/{names['project']}"


def load(ids: dict[Kind, set[UUID]]) -> Iterator[dict[str, Any]]:
    """One object a node, in no order; two queries for each kind."""
    for kind, loader in _LOADERS.items():
        if ids.get(kind):
            yield from loader(ids[kind])


def _files(ids: set[UUID]) -> Iterator[dict[str, Any]]:
    rows = list(
        Datum.objects.filter(pk__in=ids).values_list(
            "pk", "project_id", "name", "size_bytes", "created_at", "purged_at", "tags"
        )
    )
    addresses = Addresses({row[1] for row in rows})
    for pk, project_id, name, size_bytes, created_at, purged_at, tags in rows:
        yield {
            "id": str(pk),
            "kind": Kind.FILE.value,
            "name": name,
            "project": addresses.project(project_id),
            "url": addresses.page("project_datum", "datum_id", project_id, pk),
            "trace_url": addresses.page("project_datum_trace", "datum_id", project_id, pk),
            "ctime": timestamp(created_at),
            "size": size_bytes,
            "purged": purged_at is not None,
            "tags": tags,
        }


def _executions(ids: set[UUID]) -> Iterator[dict[str, Any]]:
    rows = list(
        Execution.objects.filter(pk__in=ids).values_list(
            "pk", "project_id", "counter", "title", "step", "status", "created_at", "deleted_at"
        )
    )
    addresses = Addresses({row[1] for row in rows})
    for pk, project_id, counter, title, step, status, created_at, deleted_at in rows:
        yield {
            "id": str(pk),
            "kind": Kind.EXECUTION.value,
            "name": f"#{counter} {title or step}",
            "project": addresses.project(project_id),
            "url": addresses.page("execution", "execution_id", project_id, pk),
            "trace_url": addresses.page("execution_trace", "execution_id", project_id, pk),
            "ctime": timestamp(created_at),
            "counter": counter,
            "step": step,
            "status": status,
            "deleted": deleted_at is not None,
        }


_LOADERS: dict[Kind, Callable[[set[UUID]], Iterator[dict[str, Any]]]] = {
    Kind.FILE: _files,
    Kind.EXECUTION: _executions,
}
