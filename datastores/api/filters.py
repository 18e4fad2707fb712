"""The filters of the lists: lenient, as the official clients need them. Unknown parameters are ignored; a value that names
nothing gives an empty page, never an error."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.models import User
from common.rest.pagination import Countable
from common.rest.params import boolean
from datastores.listing import ProjectFiles
from datastores.models import Datum, DatumAlias
from datastores.searching import narrowed
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
# What few files of an installation may have.
_SELECTIVE = ("search", "name", "tag", "store", "min_size", "max_size")


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
    OpenApiParameter("search", description="Every word of it is part of the name, of an alias or of the title of the execution, a tag of either, or `#` and the number of the execution."),
    OpenApiParameter("kind", enum=["outputs", "uploaded"]),
    OpenApiParameter("min_size", OpenApiTypes.INT64, description="Bytes."),
    OpenApiParameter("max_size", OpenApiTypes.INT64, description="Bytes."),
    OpenApiParameter("created_after", OpenApiTypes.DATETIME, description="A time or a day; then or later."),
    OpenApiParameter("created_before", OpenApiTypes.DATETIME, description="A time or a day; before it."),
    OpenApiParameter("tag", many=True, description="Repeatable; every one has to be there."),
    OpenApiParameter("purged", OpenApiTypes.BOOL, description="Only those whose content was purged, or only the others."),
    OpenApiParameter("include", description="`download_url` adds an address to download each file from."),
]  # fmt: skip
ALIAS_PARAMETERS = [
    *_common(ALIAS_ORDERINGS),
    OpenApiParameter("name", description="Exact, whatever its case."),
]


def listed_datums(user: User | AnonymousUser, request: Request, datums: Datums) -> Countable:
    """Those of `datums` that are stored, that the request asks for and the user may see, in the order that it asks for."""
    params = request.query_params
    datums = datums.filter(stored_at__isnull=False)
    if boolean(params.get("deleted")):
        return datums.none()
    asked = params.get("ordering", "")
    if "project" in params:
        project_id = _visible_project(user, params["project"])
        found = narrowed(datums.filter(project_id=project_id), params, project_id)
        order = _order(asked, DATUM_ORDERINGS, "-created_at")
        if order[0] in ("created_at", "-created_at"):
            return ProjectFiles(found, newest_first=order[0] == "-created_at")
        return found.rows.order_by(*order)
    found = narrowed(datums, params)
    rows = found.rows
    order = _order(asked, DATUM_ORDERINGS, "-id")
    of_one_execution = "output_execution" in params or "execution" in params
    if order in (["id"], ["-id"]) and not of_one_execution:
        is_search = any(params.get(name) for name in _SELECTIVE)
        return AcrossProjects(
            user, rows, newest_first=order == ["-id"], search=found.found if is_search else None
        )
    return rows.filter(visible_to(user, via="project")).order_by(*order)


def _visible_project(user: User | AnonymousUser, text: str) -> UUID:
    """Asking once whether the project is visible spares the question for each of its files."""
    project_id = as_uuid(text)
    if project_id and Project.objects.filter(visible_to(user), pk=project_id).exists():
        return project_id
    return UUID(int=0)


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
    if key.lstrip("-") == "id":
        return [key]
    return [key, "id" if key == "created_at" else "-id"]
