"""The home page: the projects that somebody sees, with what runs in them."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page, wants_fragment
from executions import listing
from executions.web.latest_run import latest_run
from projects import selectors, services
from projects.models import Project
from projects.web.forms import ProjectForm

PAGE_SIZE = 50
SWITCH_SIZE = 12
ORDERS: dict[str, tuple[Combinable | str, ...]] = {
    "activity": (F("last_execution_at").desc(nulls_last=True), "-created_at"),
    "name": ("name", "owner__name"),
    "created": ("-created_at",),
}


@page
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("search", "").replace("\x00", "").strip()[:200]
    sort = request.GET.get("sort", "activity")
    projects = matching(request, text).order_by(*ORDERS.get(sort, ORDERS["activity"]))
    shown = Paginator(projects, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = list(shown.object_list)
    activity = listing.activity_of(rows)
    context: dict[str, Any] = {
        "page": shown,
        "rows": [(project, activity[project.pk]) for project in rows],
        "search": text,
        "sort": sort,
        "host": request.build_absolute_uri("/"),
    }
    if not wants_fragment(request):
        context["form"] = ProjectForm(owners=selectors.ownership_options(user_of(request)))
        context["latest"] = None if text or sort != "activity" else latest_run(rows)
    return render(
        request, "projects/_list.html" if wants_fragment(request) else "projects/home.html", context
    )


@page
@require_GET
def project_switch(request: HttpRequest) -> HttpResponse:
    """The quick switch of the global bar: the most active projects, or those that match."""
    text = request.GET.get("search", "").replace("\x00", "").strip()[:200]
    projects = matching(request, text).order_by(*ORDERS["activity"])[:SWITCH_SIZE]
    return render(request, "projects/_switch.html", {"projects": projects})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create_project(request: HttpRequest) -> HttpResponse:
    owners = selectors.ownership_options(user_of(request))
    form = ProjectForm(request.POST or None, owners=owners)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_from(request, form)
        except DomainError as error:
            show_error(form, error)
        else:
            return redirect(reverse("project", kwargs={"owner": project.owner.name, "project": project.name}))
    return render(request, "projects/create.html", {"form": form})


def create_from(request: HttpRequest, form: ProjectForm) -> Project:
    given = form.cleaned_data
    owner, team = selectors.resolve_owner(user_of(request), given["owner"])
    return services.create_project(
        actor=user_of(request), name=given["name"], owner=owner, team=team, description=given["description"]
    )


def matching(request: HttpRequest, text: str) -> QuerySet[Project]:
    """Visible projects whose name, owner or description contains every word of `text`."""
    projects = selectors.projects_for(user_of(request)).select_related("owner", "team")
    for word in text.replace("/", " ").split():
        named = Q(name__icontains=word) | Q(owner__name__icontains=word) | Q(description__icontains=word)
        projects = projects.filter(named)
    return projects
