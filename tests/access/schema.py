"""The OpenAPI document of the public API, as its operations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True)
class Operation:
    path: str  # as in the document: /api/v0/projects/{project_id}/
    method: str
    query: Mapping[str, Any]
    """Parameters of the query, by name: their types."""
    fields: Mapping[str, Any]
    """Of the body, by name: their types."""


@cache
def operations() -> tuple[Operation, ...]:
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return tuple(_operations(document))


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    shapes = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                parameters = operation.get("parameters", ())
                query = {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}
                yield Operation(path, method, query, _fields(operation, shapes))


def _fields(operation: Mapping[str, Any], shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    shape = next(iter(content.values()), {}).get("schema", {})
    reference = shape.get("$ref", "").rsplit("/", 1)[-1]
    found: Mapping[str, Any] = (shapes[reference] if reference else shape).get("properties", {})
    return found
