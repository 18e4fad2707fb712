"""The tab Data stores of an organization: what it shares with its projects, or with some of its teams."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.web.pages import page
from datastores import selectors
from datastores.web import store_pages
from datastores.web.store_pages import Place
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page

TAB = OrganizationTab("stores", "Data stores", "organization_stores", 50)
_ROUTES = {
    "list": "organization_stores",
    "create": "organization_store_create",
    "edit": "organization_store",
    "trial": "organization_store_trial",
    "delete": "organization_store_delete",
}


@page
@require_GET
def stores(request: HttpRequest, organization: str) -> HttpResponse:
    context, place = _place(request, organization)
    context |= {"stores": place.stores, "kinds": store_pages.kinds_of(place)}
    return render(request, "datastores/stores/organization_list.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, organization: str, kind: str) -> HttpResponse:
    context, place = _place(request, organization)
    return store_pages.create(request, place, context, kind)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    context, place = _place(request, organization)
    return store_pages.edit(request, place, context, store_id)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    context, place = _place(request, organization)
    return store_pages.trial(request, place, context, store_id)


@page
@require_POST
def delete(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    _, place = _place(request, organization)
    return store_pages.delete(request, place, store_id)


def _place(request: HttpRequest, name: str) -> tuple[dict[str, Any], Place]:
    context = organization_page(request, name, TAB.name)
    organization: Organization = context["organization"]

    def url_of(page_name: str, **where: Any) -> str:
        return reverse(_ROUTES[page_name], kwargs={"organization": organization.name, **where})

    place = Place(
        stores=selectors.stores_of(organization),
        base_template="datastores/stores/organization_base.html",
        url_of=url_of,
        organization=organization,
    )
    return context, place
