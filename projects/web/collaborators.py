"""The settings' tab of people: who collaborates, who is invited, and who has access for other reasons."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page, with_toast
from organizations.invitations import State, state_of
from projects import members, services
from projects.letters import invitation_link
from projects.models import Project
from projects.web.forms import AddMemberForm, InviteForm
from projects.web.settings_tabs import settings_page, to_tab

PAGE_SIZE = 50
SUGGESTED = 200


def collaborators(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = services.invite_collaborator(
                project=project, actor=user_of(request), link=invitation_link(request), **form.given
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Sent a letter to {invitation.email}.")
            return to_tab(project, "collaborators")
    return shown(request, context | {"form": form})


@page
@require_POST
def add(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """A member of the organization that owns the project, without a letter."""
    context = settings_page(request, owner, project, "collaborators")
    found: Project = context["project"]
    form = AddMemberForm(request.POST)
    if form.is_valid():
        try:
            user = members.colleague(found, form.cleaned_data["user"])
            services.add_collaborator(
                project=found,
                actor=user_of(request),
                user=user,
                is_read_only=form.is_read_only,
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"{user} collaborates in {found} now.")
            return to_tab(found, "collaborators")
    return shown(request, context | {"add_form": form})


@page
@require_POST
def change(request: HttpRequest, owner: str, project: str, user_id: int) -> HttpResponse:
    def act(found: Project) -> str:
        changed = services.change_collaborator(
            project=found,
            actor=user_of(request),
            user_id=user_id,
            is_read_only=request.POST.get("access") == "viewer",
        )
        return f"{changed.user} {'only looks' if changed.is_read_only else 'works'} in the project now."

    return acted(request, owner, project, act)


@page
@require_POST
def remove(request: HttpRequest, owner: str, project: str, user_id: int) -> HttpResponse:
    def act(found: Project) -> str:
        services.remove_collaborator(project=found, actor=user_of(request), user_id=user_id)
        return "They collaborate no longer."

    return acted(request, owner, project, act)


@page
@require_POST
def resend(request: HttpRequest, owner: str, project: str, invitation_id: UUID) -> HttpResponse:
    def act(found: Project) -> str:
        invitation = members.get_invitation(found, invitation_id)
        services.resend_invitation(
            invitation=invitation, actor=user_of(request), link=invitation_link(request)
        )
        return f"Sent a new letter to {invitation.email}. The link of the old one has ended."

    return acted(request, owner, project, act)


@page
@require_POST
def cancel(request: HttpRequest, owner: str, project: str, invitation_id: UUID) -> HttpResponse:
    def act(found: Project) -> str:
        invitation = members.get_invitation(found, invitation_id)
        services.cancel_invitation(invitation=invitation, actor=user_of(request))
        return f"Cancelled the invitation of {invitation.email}."

    return acted(request, owner, project, act)


def acted(request: HttpRequest, owner: str, project: str, act: Callable[[Project], str]) -> HttpResponse:
    """The lists as they are after the action, done or refused, so that no control shows what is not so."""
    context = settings_page(request, owner, project, "collaborators")
    kind = "success"
    try:
        message = act(context["project"])
    except DomainError as error:
        message, kind = error.message, "error"
    return with_toast(
        render(request, "projects/settings/_people.html", context | lists(request, context["project"])),
        message,
        kind,
    )


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    project: Project = context["project"]
    context = {"form": InviteForm(), "add_form": AddMemberForm()} | context | lists(request, project)
    context["colleagues"] = list(members.colleagues_without_access(project)[:SUGGESTED])
    return render(request, "projects/settings/collaborators.html", context)


def lists(request: HttpRequest, project: Project) -> dict[str, Any]:
    page_of_users = Paginator(members.users_with_access(project), PAGE_SIZE).get_page(request.GET.get("page"))
    invitations = members.pending_invitations(project)
    return {
        "collaborators": members.collaborators_of(project),
        "invitations": [(sent, state_of(sent) == State.EXPIRED) for sent in invitations],
        "page": page_of_users,
        "members": members.members_among(project, page_of_users.object_list),
    }
