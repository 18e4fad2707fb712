"""The settings' last tab: giving the project to another owner, and deleting it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page
from organizations.access import Capability, require
from projects import selectors, services
from projects.models import Project
from projects.web.choices import owner_choices
from projects.web.context import project_page
from projects.web.forms import TransferForm
from projects.web.settings_tabs import settings_page, to_tab

NAMED = 5
"""People whom the preview of a transfer calls by name; the rest are counted."""


def administration(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    if request.method != "POST":
        context["form"] = transfer_form(request, project)
        return render(request, "projects/settings/administration.html", context)
    if request.POST.get("confirm") != project.full_name:
        messages.error(request, f"Nothing was deleted: type {project.full_name} to confirm.")
        return to_tab(project, "administration")
    try:
        services.delete_project(project=project, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return to_tab(project, "administration")
    messages.success(request, f"Deleted {project.full_name}.")
    return redirect("home")


@page
@require_POST
def transfer(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = settings_page(request, owner, project, "administration")
    found: Project = context["project"]
    form = transfer_form(request, found)
    if form.is_valid():
        try:
            moved = transferred(request, found, form.cleaned_data["owner"])
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"The project is {moved.full_name} now.")
            return redirect("project", moved.owner.name, moved.name)
    context["form"] = form
    return render(request, "projects/settings/administration.html", context)


@page
@require_GET
def transfer_effects(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """What choosing an owner in the form would mean, before anything is done."""
    found: Project = project_page(request, owner, project, "settings")["project"]
    user = user_of(request)
    require(user, Capability.ADMINISTER, found)
    chosen = request.GET.get("owner", "")
    context: dict[str, Any] = {"project": found}
    if chosen:
        try:
            new_owner, team = selectors.resolve_owner(user, chosen)
            effects = services.effects_of_transfer(project=found, actor=user, owner=new_owner, team=team)
        except DomainError as error:
            context["refusal"] = error.message
        else:
            context |= {
                "new_owner": new_owner,
                "effects": effects,
                "people": [
                    ("gains access", "gain access", list(effects.gaining[:NAMED]), effects.gaining.count()),
                    ("loses access", "lose access", list(effects.losing[:NAMED]), effects.losing.count()),
                ],
            }
    return render(request, "projects/settings/_transfer_effects.html", context)


def transfer_form(request: HttpRequest, project: Project) -> TransferForm:
    here = f"{project.owner.name}:{project.team.name}" if project.team else project.owner.name
    return TransferForm(
        request.POST or None, owners=owner_choices(user_of(request), without=here), expected=project.full_name
    )


def transferred(request: HttpRequest, project: Project, owner_text: str) -> Project:
    user = user_of(request)
    owner, team = selectors.resolve_owner(user, owner_text)
    return services.transfer_project(project=project, actor=user, owner=owner, team=team)
