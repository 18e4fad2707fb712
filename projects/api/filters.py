"""Query parameters of the lists: lenient, what is not known is ignored."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common.rest.params import boolean
from projects.models import Commit, Project
from projects.selectors import as_uuid

Row = TypeVar("Row", bound=Model)

COMMIT_ORDERINGS = {
    "commit_time": "committed_at",
    "ctime": "created_at",
    "identifier": "identifier",
    "ref": "ref",
    "id": "id",
}
PROJECT_ORDERINGS = {
    "name": "name",
    "ctime": "created_at",
    "mtime": "updated_at",
    "last_execution_ctime": "last_execution_at",
    "id": "id",
}
EXCLUDE = OpenApiParameter("exclude", description="Comma-separated names of fields to leave out.")
COMMIT_PARAMETERS = [
    OpenApiParameter("project", OpenApiTypes.UUID, description="Only commits of this project."),
    OpenApiParameter("adhoc", OpenApiTypes.BOOL, description="Only ad-hoc packages, or only git commits."),
    OpenApiParameter("ref", description="Only commits of this branch or tag."),
    OpenApiParameter("identifier", description="Only this commit."),
    OpenApiParameter("repository", OpenApiTypes.INT, description="Only commits of this repository."),
    OpenApiParameter(
        "ordering", description=f"One of {', '.join(COMMIT_ORDERINGS)}, with '-' for descending."
    ),
    EXCLUDE,
]
PROJECT_PARAMETERS = [
    OpenApiParameter("name", description="Only projects of this name, whatever its case."),
    OpenApiParameter("search", description="Only projects whose name or description contains this text."),
    OpenApiParameter("ordering", description=f"One of {', '.join(PROJECT_ORDERINGS)}, with '-' for descending."),
    EXCLUDE,
]  # fmt: skip


def filter_commits(commits: QuerySet[Commit], request: Request) -> QuerySet[Commit]:
    given = request.query_params
    if "project" in given:
        project_id = as_uuid(given["project"])
        commits = commits.filter(project_id=project_id) if project_id else commits.none()
    if "adhoc" in given:
        commits = commits.filter(adhoc=boolean(given["adhoc"]))
    if "ref" in given:
        ref = _text(given["ref"])
        commits = commits.filter(Q(ref=ref) | Q(ref_names__contains=[ref]))
    if "identifier" in given:
        commits = commits.filter(identifier=_text(given["identifier"]))
    if "repository" in given:
        number = given["repository"]
        known = number.isascii() and number.isdigit() and len(number) < 19
        commits = commits.filter(repository_id=int(number)) if known else commits.none()
    return _ordered(commits, request, COMMIT_ORDERINGS)


def filter_projects(projects: QuerySet[Project], request: Request) -> QuerySet[Project]:
    given = request.query_params
    if "name" in given:
        projects = projects.filter(name__iexact=_text(given["name"]))
    if given.get("search"):
        text = _text(given["search"])
        projects = projects.filter(Q(name__icontains=text) | Q(description__icontains=text))
    return _ordered(projects.order_by("name", "id"), request, PROJECT_ORDERINGS)


def _ordered(rows: QuerySet[Row], request: Request, orderings: dict[str, str]) -> QuerySet[Row]:
    asked = request.query_params.get("ordering", "")
    column = orderings.get(asked.lstrip("-"))
    if column is None:
        return rows
    direction = "-" if asked.startswith("-") else ""
    return rows.order_by(f"{direction}{column}", f"{direction}id")


def _text(value: str) -> str:
    return value.replace("\0", "")
