"""The tab Environment variables of an organization: its own, and its groups with the projects that they are assigned to."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page
from projects import services
from projects.models import VariableGroup
from projects.variable_selectors import (
    group_of_organization,
    groups_of_organization,
    projects_of_organization,
    projects_with_ids,
    variables_of_group,
    variables_of_organization,
)
from projects.web.forms import GroupForm, VariableForm

TAB = OrganizationTab("variables", "Environment variables", "organization_variables", 70)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def variables(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    form = VariableForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_organization_variable(
                organization=found, actor=user_of(request), **form.cleaned_data
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Saved {form.cleaned_data['name']}.")
            return redirect(TAB.view_name, found.name)
    context |= {
        "form": form,
        "variables": variables_of_organization(found),
        "groups": groups_of_organization(found),
    }
    return render(request, "projects/organization/variables.html", context)


@page
@require_POST
def delete_variable(request: HttpRequest, organization: str) -> HttpResponse:
    found: Organization = organization_page(request, organization, TAB.name)["organization"]
    name = request.POST.get("name", "")
    services.delete_organization_variable(organization=found, actor=user_of(request), name=name)
    messages.success(request, f"Deleted {name}.")
    return redirect(TAB.view_name, found.name)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create_group(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    form = GroupForm(request.POST or None, projects=projects_of_organization(found))
    if request.method == "POST" and form.is_valid():
        try:
            group = services.create_group(
                organization=found, actor=user_of(request), **_group_values(form, found)
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Created {group.name}. Now add its variables.")
            return redirect("organization_variable_group", found.name, group.pk)
    return render(request, "projects/organization/create_group.html", context | {"form": form})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, organization: str, group_id: UUID) -> HttpResponse:
    """Its name and its projects. Variables are set below, by `set_variable`."""
    context, found, shown = _group_page(request, organization, group_id)
    form = _group_form(request.POST or None, found, shown)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_group(group=shown, actor=user_of(request), **_group_values(form, found))
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("organization_variable_group", found.name, shown.pk)
    context |= {"form": form, "variable_form": VariableForm(auto_id="variable-%s")}
    return render(request, "projects/organization/group.html", context)


@page
@require_POST
def set_variable(request: HttpRequest, organization: str, group_id: UUID) -> HttpResponse:
    context, found, shown = _group_page(request, organization, group_id)
    form = VariableForm(request.POST, auto_id="variable-%s")
    if form.is_valid():
        try:
            services.set_group_variable(group=shown, actor=user_of(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Saved {form.cleaned_data['name']}.")
            return redirect("organization_variable_group", found.name, shown.pk)
    context |= {"form": _group_form(None, found, shown), "variable_form": form}
    return render(request, "projects/organization/group.html", context)


@page
@require_POST
def delete_group_variable(request: HttpRequest, organization: str, group_id: UUID) -> HttpResponse:
    _, found, shown = _group_page(request, organization, group_id)
    name = request.POST.get("name", "")
    services.delete_group_variable(group=shown, actor=user_of(request), name=name)
    messages.success(request, f"Deleted {name}.")
    return redirect("organization_variable_group", found.name, shown.pk)


@page
@require_POST
def delete_group(request: HttpRequest, organization: str, group_id: UUID) -> HttpResponse:
    _, found, shown = _group_page(request, organization, group_id)
    services.delete_group(group=shown, actor=user_of(request))
    messages.success(request, f"Deleted {shown.name}.")
    return redirect(TAB.view_name, found.name)


def _group_page(
    request: HttpRequest, organization: str, group_id: UUID
) -> tuple[dict[str, Any], Organization, VariableGroup]:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    shown = group_of_organization(found, group_id)
    return context | {"group": shown, "variables": variables_of_group(shown)}, found, shown


def _group_form(data: Any, organization: Organization, group: VariableGroup) -> GroupForm:
    initial = {
        "name": group.name,
        "description": group.description,
        "projects": [str(project.pk) for project in group.projects.all()],
    }
    return GroupForm(data, projects=projects_of_organization(organization), initial=initial)


def _group_values(form: GroupForm, organization: Organization) -> dict[str, Any]:
    given = form.cleaned_data
    chosen = projects_with_ids(organization, [UUID(identity) for identity in given["projects"]])
    return {"name": given["name"], "description": given["description"], "projects": chosen}
