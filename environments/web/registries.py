"""The tab Registries of an organization: with which credentials private images are pulled."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError, NotFound
from common.web.forms import show_error
from common.web.pages import page
from environments import selectors, services
from environments.models import RegistryCredentials
from environments.web.forms import RegistryForm
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page

TAB = OrganizationTab("registries", "Registries", "organization_registries", 60)


@page
@require_GET
def registries(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    context |= {
        "registries": selectors.registries_of(context["organization"]),
        "kinds": RegistryCredentials.Kind.choices,
    }
    return render(request, "environments/registries.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, organization: str, kind: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    if kind not in RegistryCredentials.Kind.values:
        raise NotFound(f"There is no kind of registry called '{kind}'.")
    form = RegistryForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_registry(
                actor=user_of(request), owner=context["organization"].owner, kind=kind,
                image_pattern=form.cleaned_data["image_pattern"], configuration=form.configuration(),
            )  # fmt: skip
        except DomainError as error:
            show_error(form, error)
        else:
            return _done(request, context, f"Saved credentials for {form.cleaned_data['image_pattern']}.")
    label = RegistryCredentials.Kind(kind).label
    return render(request, "environments/registry.html", context | {"form": form, "kind_label": label})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def registry(request: HttpRequest, organization: str, registry_id: UUID) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found = _found(context, registry_id)
    form = RegistryForm(request.POST or None, kind=found.kind, registry=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_registry(
                registry=found, actor=user_of(request), image_pattern=form.cleaned_data["image_pattern"],
                configuration=form.configuration(),
            )  # fmt: skip
        except DomainError as error:
            show_error(form, error)
        else:
            return _done(request, context, f"Saved credentials for {form.cleaned_data['image_pattern']}.")
    context |= {"form": form, "registry": found, "kind_label": found.get_kind_display()}
    return render(request, "environments/registry.html", context)


@page
@require_POST
def delete(request: HttpRequest, organization: str, registry_id: UUID) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found = _found(context, registry_id)
    services.delete_registry(registry=found, actor=user_of(request))
    return _done(request, context, f"Deleted credentials for {found.image_pattern}.")


def _found(context: dict[str, Any], registry_id: UUID) -> RegistryCredentials:
    organization: Organization = context["organization"]
    return selectors.registry_of(organization, registry_id)


def _done(request: HttpRequest, context: dict[str, Any], text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect(TAB.view_name, context["organization"].name)
