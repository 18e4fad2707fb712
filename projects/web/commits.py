"""Commits of a project: the list, one commit with its configuration, its code."""

from typing import Any

from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.current import user_of
from common.errors import NotFound
from common.web.pages import page
from projects import selectors
from projects.config import parsed
from projects.errors import ConfigBroken
from projects.models import Commit, Project
from projects.web.context import project_page
from projects.web.links import web_link

PAGE_SIZE = 50


@page
@require_GET
def commits(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = project_page(request, owner, project, "commits")
    found: Project = context["project"]
    listed = selectors.commits_for(user_of(request), found).defer(None).defer("yaml_source", "config")
    ref = request.GET.get("ref", "").replace("\x00", "")
    if ref:
        listed = listed.filter(Q(ref_names__contains=[ref]) | Q(ref=ref))
    context |= {
        "page": Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page")),
        "ref": ref,
        "repository": getattr(found, "repository", None),
        "host": request.build_absolute_uri("/"),
    }
    return render(request, "projects/commits.html", context)


@page
@require_GET
def commit(request: HttpRequest, owner: str, project: str, identifier: str) -> HttpResponse:
    context = project_page(request, owner, project, "commits")
    found = get_commit(request, context["project"], identifier)
    wrong = {problem["line"]: problem["message"] for problem in found.config_errors if problem.get("line")}
    repository = found.repository
    context |= {
        "commit": found,
        "steps": steps_of(found),
        "yaml_lines": [
            (number, text, wrong.get(number, ""))
            for number, text in enumerate(found.yaml_source.splitlines(), start=1)
        ],
        "web": web_link(repository.url, found.identifier) if repository and not found.adhoc else None,
    }
    return render(request, "projects/commit.html", context)


@page
@require_GET
def code(request: HttpRequest, owner: str, project: str, identifier: str) -> FileResponse:
    """The snapshot that executions of this commit unpack."""
    found_project: Project = project_page(request, owner, project, "commits")["project"]
    found = get_commit(request, found_project, identifier)
    if not default_storage.exists(found.archive_key):
        raise NotFound(
            f"The code of commit {found} is no longer in the platform's storage. Fetch the repository again."
        )
    name = f"{found_project.name}-{found.short_identifier.lstrip('~')}.tar.gz"
    return FileResponse(
        default_storage.open(found.archive_key),
        as_attachment=True,
        filename=name,
        content_type="application/gzip",
    )


def get_commit(request: HttpRequest, project: Project, identifier: str) -> Commit:
    return selectors.get_commit(user_of(request), identifier, project)


def steps_of(found: Commit) -> list[Any]:
    try:
        return list(parsed(found).steps.values())
    except ConfigBroken:
        return []  # the page shows the errors beside the source
