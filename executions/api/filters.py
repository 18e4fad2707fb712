"""The filters of the list: lenient, as the official clients need them. Unknown parameters are ignored; a value that
names nothing gives an empty page, never an error."""

from collections.abc import Callable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.models import User
from common.rest.params import boolean
from executions.models import Execution
from executions.types import INCOMPLETE, Status
from organizations.access import visible_to
from projects.across import AcrossProjects
from projects.models import Project

Executions = QuerySet[Execution]

ORDERINGS = {
    "counter": "counter",
    # Ids are in time order and indexed.
    "ctime": "id",
    "created_at": "id",
    "mtime": "updated_at",
    "start_time": "started_at",
    "end_time": "ended_at",
    "status": "status",
    "step": "step",
    "title": "title",
    "environment": "environment__name",
    "priority": "priority",
    "id": "id",
}

PARAMETERS = [
    OpenApiParameter("project", OpenApiTypes.UUID),
    OpenApiParameter(
        "status", many=True, description="Repeatable; `incomplete` means any that is not final."
    ),
    OpenApiParameter("step", description="Exact name."),
    OpenApiParameter("task", OpenApiTypes.UUID),
    OpenApiParameter("counter", OpenApiTypes.INT, many=True, description="Repeatable."),
    OpenApiParameter(
        "deleted", OpenApiTypes.BOOL, description="True: only deleted ones. Default: none of them."
    ),
    OpenApiParameter("creator", description="Id of a user."),
    OpenApiParameter("tag", many=True, description="Repeatable; every one has to be there."),
    OpenApiParameter("title", description="Part of the title."),
    OpenApiParameter("search", description="Part of title, step or tag, or `#` and a number."),
    OpenApiParameter("ordering", enum=sorted([*ORDERINGS, *(f"-{name}" for name in ORDERINGS)])),
    OpenApiParameter("include", description="Comma-separated names of fields to add."),
    OpenApiParameter("exclude", description="Comma-separated names of fields to leave out."),
    OpenApiParameter("no_count", OpenApiTypes.BOOL),
]


def listed(user: User, request: Request, executions: Executions) -> "Executions | AcrossProjects[Execution]":
    """Those of `executions` that the request asks for and the user may see, in the order that it asks for."""
    params = request.query_params
    wanted = _filtered(executions, params)
    order = _ordering(params.get("ordering", ""), "project" in params)
    if "project" in params:
        # Asking once whether the project is visible spares the question for each of its executions.
        project_id = _uuid(params["project"])
        if project_id is None or not Project.objects.filter(visible_to(user), pk=project_id).exists():
            return wanted.none()
        return wanted.filter(project_id=project_id).order_by(*order)
    if order in (["id"], ["-id"]):
        return AcrossProjects(user, wanted, newest_first=order == ["-id"])
    return wanted.filter(visible_to(user, via="project")).order_by(*order)


def _filtered(executions: Executions, params: QueryDict) -> Executions:
    executions = executions.filter(deleted_at__isnull=not boolean(params.get("deleted")))
    for name, apply in _FILTERS.items():
        values = [value for value in params.getlist(name) if value != ""]
        if values:
            executions = apply(executions, values)
    return executions


def _ordering(asked: str, in_project: bool) -> list[str]:
    default = "-counter" if in_project else "-id"
    keys = []
    for name in asked.split(","):
        column = ORDERINGS.get(name.strip().lstrip("-"))
        if column:
            keys.append(f"-{column}" if name.strip().startswith("-") else column)
    if not keys:
        return [default]
    # Equal values come in a stable order, or pages would overlap.
    return keys if {"id", "-id"} & set(keys) or (in_project and "counter" in keys[0]) else [*keys, "-id"]


def _by_status(executions: Executions, values: list[str]) -> Executions:
    wanted: set[str] = set()
    for value in values:
        wanted |= INCOMPLETE if value == "incomplete" else {value}
    return executions.filter(status__in=wanted & set(Status))


def _by_counter(executions: Executions, values: list[str]) -> Executions:
    return executions.filter(counter__in=_integers(values))


def _by_creator(executions: Executions, values: list[str]) -> Executions:
    return executions.filter(creator_id__in=_integers(values))


def _by_search(executions: Executions, values: list[str]) -> Executions:
    for text in values:
        found = Q(title__icontains=text) | Q(step__icontains=text) | Q(tags__contains=[text])
        numbers = _integers([text.lstrip("#")])
        executions = executions.filter(found | Q(counter__in=numbers) if numbers else found)
    return executions


_FILTERS: dict[str, Callable[[Executions, list[str]], Executions]] = {
    "status": _by_status,
    "step": lambda executions, values: executions.filter(step__in=values),
    "task": lambda executions, _: executions.none(),  # nothing belongs to a task yet
    "counter": _by_counter,
    "creator": _by_creator,
    "tag": lambda executions, values: executions.filter(tags__contains=values),
    "title": lambda executions, values: executions.filter(title__icontains=values[0]),
    "search": _by_search,
}


def _integers(values: list[str]) -> list[int]:
    return [int(value) for value in values if value.isascii() and value.isdigit() and len(value) <= 18]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
