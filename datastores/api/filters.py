"""The filters of the lists: lenient, as the official clients need them. Unknown parameters are ignored; a value that names
nothing gives an empty page, never an error."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.models import User
from common.rest.params import boolean
from datastores.models import Datum, DatumAlias
from organizations.access import visible_to
from projects.across import AcrossProjects
from projects.models import Project
from projects.selectors import as_uuid

Datums = QuerySet[Datum]
Aliases = QuerySet[DatumAlias]

# Ids are in time order and indexed; within a project the creation time is.
DATUM_ORDERINGS = {
    "ctime": "created_at",
    "id": "id",
    "name": "name",
    "size": "size_bytes",
    "mtime": "updated_at",
}
ALIAS_ORDERINGS = {"ctime": "created_at", "id": "id", "name": "name", "mtime": "updated_at"}
LONGEST_COUNTER = 18


def _common(orderings: dict[str, str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter("project", OpenApiTypes.UUID),
        OpenApiParameter("ordering", enum=sorted([*orderings, *(f"-{name}" for name in orderings)])),
        OpenApiParameter(
            "deleted", OpenApiTypes.BOOL, description="Nothing here is ever deleted: `true` finds nothing."
        ),
        OpenApiParameter("exclude", description="Comma-separated names of fields to leave out."),
        OpenApiParameter("no_count", OpenApiTypes.BOOL),
    ]


DATUM_PARAMETERS = [
    *_common(DATUM_ORDERINGS),
    OpenApiParameter("output_execution", OpenApiTypes.UUID, description="Outputs of this execution. Also `execution`."),
    OpenApiParameter("store", OpenApiTypes.UUID),
    OpenApiParameter("name", description="Exact name."),
    OpenApiParameter("search", description="Part of the name or of an alias, a tag, or `#` and the number of an execution."),
    OpenApiParameter("tag", many=True, description="Repeatable; every one has to be there."),
    OpenApiParameter("purged", OpenApiTypes.BOOL, description="Only those whose content was purged, or only the others."),
    OpenApiParameter("include", description="`download_url` adds an address to download each file from."),
]  # fmt: skip
ALIAS_PARAMETERS = [
    *_common(ALIAS_ORDERINGS),
    OpenApiParameter("name", description="Exact, whatever its case."),
]


def listed_datums(
    user: User | AnonymousUser, request: Request, datums: Datums
) -> "Datums | AcrossProjects[Datum]":
    """Those of `datums` that are stored, that the request asks for and the user may see, in the order that it asks for."""
    params = request.query_params
    datums = _filtered_datums(datums.filter(stored_at__isnull=False), params)
    asked = params.get("ordering", "")
    if "project" in params:
        in_project = datums.filter(project_id=_visible_project(user, params["project"]))
        return in_project.order_by(*_order(asked, DATUM_ORDERINGS, "-created_at"))
    order = _order(asked, DATUM_ORDERINGS, "-id")
    of_one_execution = "output_execution" in params or "execution" in params
    if order in (["id"], ["-id"]) and not of_one_execution:
        return AcrossProjects(user, datums, newest_first=order == ["-id"])
    return datums.filter(visible_to(user, via="project")).order_by(*order)


def _visible_project(user: User | AnonymousUser, text: str) -> UUID:
    """Asking once whether the project is visible spares the question for each of its files."""
    project_id = as_uuid(text)
    if project_id and Project.objects.filter(visible_to(user), pk=project_id).exists():
        return project_id
    return UUID(int=0)


def _filtered_datums(datums: Datums, params: QueryDict) -> Datums:
    if boolean(params.get("deleted")):
        return datums.none()
    for name, apply in _DATUM_FILTERS.items():
        values = [value.replace("\0", "") for value in params.getlist(name) if value != ""]
        if values:
            datums = apply(datums, values)
    return datums


def filter_aliases(aliases: Aliases, request: Request) -> Aliases:
    params = request.query_params
    if boolean(params.get("deleted")):
        return aliases.none()
    if "project" in params:
        aliases = aliases.filter(project_id=as_uuid(params["project"]) or UUID(int=0))
    if params.get("name"):
        aliases = aliases.filter(name__iexact=params["name"].replace("\0", ""))
    return aliases.order_by(*_order(params.get("ordering", ""), ALIAS_ORDERINGS, "name"))


def _order(asked: str, orderings: dict[str, str], default: str) -> list[str]:
    column = orderings.get(asked.strip().lstrip("-"))
    if column is None:
        key = default
    else:
        # Over all projects only the id has an index, and ids are in time order.
        column = "id" if column == "created_at" and default == "-id" else column
        key = f"-{column}" if asked.strip().startswith("-") else column
    # Equal values come in a stable order, or pages would overlap.
    return [key] if key.lstrip("-") == "id" else [key, "-id"]


def _by_id(column: str) -> Callable[[Datums, list[str]], Datums]:
    def apply(datums: Datums, values: list[str]) -> Datums:
        return datums.filter(**{f"{column}__in": [pk for value in values if (pk := as_uuid(value))]})

    return apply


def _by_search(datums: Datums, values: list[str]) -> Datums:
    for word in " ".join(values).split():
        named = DatumAlias.objects.filter(name__icontains=word, datum__isnull=False).values("datum_id")
        found = Q(name__icontains=word) | Q(tags__contains=[word]) | Q(pk__in=named)
        number = word.removeprefix("#")
        if word.startswith("#") and number.isascii() and number.isdigit() and len(number) <= LONGEST_COUNTER:
            found |= Q(output_execution_counter=int(number))
        datums = datums.filter(found)
    return datums


_DATUM_FILTERS: dict[str, Callable[[Datums, list[str]], Datums]] = {
    "output_execution": _by_id("output_execution_id"),
    "execution": _by_id("output_execution_id"),
    "store": _by_id("store_id"),
    "name": lambda datums, values: datums.filter(name__in=values),
    "search": _by_search,
    "tag": lambda datums, values: datums.filter(tags__contains=values),
    "purged": lambda datums, values: datums.filter(purged_at__isnull=not boolean(values[0])),
}
