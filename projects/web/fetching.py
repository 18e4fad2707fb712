"""The fetch button: it starts the work in the background, then asks how it went."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from accounts.current import user_of
from common import clock
from common.web.pages import page, with_toast
from projects import services
from projects.errors import RepositoryMissing
from projects.models import Project, Repository
from projects.web.context import project_page

PATIENCE_SECONDS = 600


@page
@require_POST
def start(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    found: Project = project_page(request, owner, project, "")["project"]
    began = clock.now()
    services.start_fetch(project=found, actor=user_of(request))
    return button(request, found, since=began)


@page
@require_GET
def status(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """Asked every second until the fetch that began at `since` has ended."""
    found: Project = project_page(request, owner, project, "")["project"]
    repository = repository_of(found)
    since = _moment(request.GET.get("since", "")) or clock.now()
    if repository.last_fetched_at is None or repository.last_fetched_at < since:
        if (clock.now() - since).total_seconds() < PATIENCE_SECONDS:
            return button(request, found, since=since)
        text = "The fetch did not end within ten minutes. Is the background worker running?"
        return with_toast(button(request, found), text, "warning")
    text, kind = outcome(found, repository, since)
    return with_toast(button(request, found), text, kind, commitsChanged=True)


def _moment(text: str) -> datetime | None:
    """None for what `button` has not written: no time, an impossible one, or one without a zone."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def outcome(project: Project, repository: Repository, since: datetime) -> tuple[str, str]:
    fresh = list(project.commits.filter(created_at__gte=since, adhoc=False).order_by("-committed_at")[:4])
    names = ", ".join(f"{commit.short_identifier} ({commit.ref})" for commit in fresh[:3])
    more = " and more" if len(fresh) > 3 else ""
    brought = f"New commits: {names}{more}." if fresh else ""
    if repository.last_fetch_errors:
        problems = "\n".join(str(error) for error in repository.last_fetch_errors)
        return f"{brought}\n{problems}".strip(), "error"
    return brought or "The repository has nothing new.", "success"


def button(request: HttpRequest, project: Project, since: datetime | None = None) -> HttpResponse:
    context: dict[str, Any] = {"project": project}
    if since:
        names = {"owner": project.owner.name, "project": project.name}
        query = urlencode({"since": since.isoformat()})
        context["poll_url"] = f"{reverse('project_fetch_status', kwargs=names)}?{query}"
    return render(request, "projects/_fetch_button.html", context)


def repository_of(project: Project) -> Repository:
    repository: Repository | None = getattr(project, "repository", None)
    if repository is None:
        raise RepositoryMissing
    return repository
