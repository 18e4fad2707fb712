"""The tab Data stores of project settings: which stores the project may use, where its files go, and stores of its own."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.web.pages import page
from datastores import selectors
from datastores.models import DataStore
from datastores.web import store_pages
from datastores.web.store_pages import Place
from projects import services
from projects.models import Project
from projects.web.settings_tabs import settings_page

TAB = "stores"
_ROUTES = {
    "list": "project_stores",
    "create": "project_store_create",
    "edit": "project_store",
    "trial": "project_store_trial",
    "delete": "project_store_delete",
}


@page
@require_GET
def stores(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context, place = _place(request, owner, project)
    found: Project = context["project"]
    context |= {
        "stores": selectors.readable_by(found).prefetch_related("teams").order_by("-is_default", "name"),
        "current": selectors.default_store(found),
        "kinds": store_pages.kinds_of(place),
    }
    return render(request, "datastores/stores/project_list.html", context)


@page
@require_POST
def choose(request: HttpRequest, owner: str, project: str, store_id: UUID) -> HttpResponse:
    """Outputs and uploads of the project go to this store from now on."""
    context, place = _place(request, owner, project)
    found: Project = context["project"]
    store = selectors.writable_store(found, store_id)
    chosen = None if store.is_default else store.pk
    services.update_project(project=found, actor=user_of(request), upload_store_id=chosen)
    messages.success(request, f"New files go to {store.name}.")
    return redirect(place.url_of("list"))


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, owner: str, project: str, kind: str) -> HttpResponse:
    context, place = _place(request, owner, project)
    return store_pages.create(request, place, context, kind)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, owner: str, project: str, store_id: UUID) -> HttpResponse:
    context, place = _place(request, owner, project)
    return store_pages.edit(request, place, context, store_id)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, owner: str, project: str, store_id: UUID) -> HttpResponse:
    context, place = _place(request, owner, project)
    return store_pages.trial(request, place, context, store_id)


@page
@require_POST
def delete(request: HttpRequest, owner: str, project: str, store_id: UUID) -> HttpResponse:
    _, place = _place(request, owner, project)
    return store_pages.delete(request, place, store_id)


def _place(request: HttpRequest, owner: str, project: str) -> tuple[dict[str, Any], Place]:
    context = settings_page(request, owner, project, TAB)
    found: Project = context["project"]

    def url_of(page_name: str, **where: Any) -> str:
        names = {"owner": found.owner.name, "project": found.name}
        return reverse(_ROUTES[page_name], kwargs={**names, **where})

    place = Place(
        stores=DataStore.objects.filter(project=found).order_by("name"),
        base_template="datastores/stores/project_base.html",
        url_of=url_of,
        project=found,
    )
    return context, place
