"""The tab of teams, and the page of one team."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page, with_toast
from organizations import selectors, services
from organizations.errors import TeamNotFound
from organizations.models import Team
from organizations.web.forms import TeamForm, TeamMemberForm
from organizations.web.pages import organization_page, owned_organization_page

OFFERED_PEOPLE = 200


@page
@require_http_methods(["GET", "HEAD", "POST"])
def teams(request: HttpRequest, organization: str) -> HttpResponse:
    find = owned_organization_page if request.method == "POST" else organization_page
    context = find(request, organization, "teams")
    found = context["organization"]
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            team = services.create_team(
                organization=found, actor=user_of(request), name=form.cleaned_data["name"]
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Created the team {team.name}.")
            return redirect("organization_team", found.name, team.pk)
    counts = selectors.project_counts(found)
    rows = [(team, counts[team.pk]) for team in selectors.teams_of(found)]
    return render(request, "organizations/teams.html", context | {"form": form, "rows": rows})


@page
@require_http_methods(["GET", "HEAD"])
def team(request: HttpRequest, organization: str, team_id: UUID) -> HttpResponse:
    context = _team_page(request, organization, team_id)
    return render(request, "organizations/team.html", context | _forms(context))


@page
@require_POST
def rename(request: HttpRequest, organization: str, team_id: UUID) -> HttpResponse:
    context = _team_page(request, organization, team_id, owned=True)
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            services.rename_team(team=context["team"], actor=user_of(request), name=form.cleaned_data["name"])
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("organization_team", context["organization"].name, team_id)
    return render(request, "organizations/team.html", context | _forms(context) | {"form": form})


@page
@require_POST
def delete(request: HttpRequest, organization: str, team_id: UUID) -> HttpResponse:
    context = _team_page(request, organization, team_id, owned=True)
    team: Team = context["team"]
    try:
        services.delete_team(team=team, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("organization_team", context["organization"].name, team_id)
    messages.success(request, f"Deleted the team {team.name}.")
    return redirect("organization_teams", context["organization"].name)


@page
@require_POST
def add_member(request: HttpRequest, organization: str, team_id: UUID) -> HttpResponse:
    context = _team_page(request, organization, team_id, owned=True)
    form = TeamMemberForm(request.POST)
    if form.is_valid():
        rights = dict(form.cleaned_data)
        try:
            user = selectors.get_member_by_name(context["organization"], rights.pop("username")).user
            services.add_team_member(team=context["team"], actor=user_of(request), user=user, **rights)
        except DomainError as error:
            form.add_error("username", error.message)
        else:
            messages.success(request, f"{user} is in the team now.")
            return redirect("organization_team", context["organization"].name, team_id)
    return render(request, "organizations/team.html", context | _forms(context) | {"member_form": form})


@page
@require_POST
def change_member(request: HttpRequest, organization: str, team_id: UUID, user_id: int) -> HttpResponse:
    """Both rights as the two boxes of a row say."""
    context = _team_page(request, organization, team_id, owned=True)
    user = selectors.get_member(context["organization"], user_id).user
    rights = {name: name in request.POST for name in ("is_read_only", "allow_project_administration")}
    services.change_team_member(team=context["team"], actor=user_of(request), user=user, **rights)
    return _rows(request, context, f"Saved what {user} may do.")


@page
@require_POST
def remove_member(request: HttpRequest, organization: str, team_id: UUID, user_id: int) -> HttpResponse:
    context = _team_page(request, organization, team_id, owned=True)
    user = selectors.get_member(context["organization"], user_id).user
    services.remove_team_member(team=context["team"], actor=user_of(request), user=user)
    return _rows(request, context, f"{user} is no longer in the team.")


def _team_page(
    request: HttpRequest, organization: str, team_id: UUID, *, owned: bool = False
) -> dict[str, Any]:
    find = owned_organization_page if owned else organization_page
    context = find(request, organization, "teams")
    team = selectors.get_team(user_of(request), team_id)
    if team.organization_id != context["organization"].pk:
        raise TeamNotFound(team_id)
    return context | {"team": team}


def _forms(context: dict[str, Any]) -> dict[str, Any]:
    if not context["administers"]:
        return {}
    others = selectors.members_of(context["organization"]).exclude(
        user__team_memberships__team=context["team"]
    )
    return {
        "form": TeamForm(initial={"name": context["team"].name}),
        "member_form": TeamMemberForm(),
        "people": others.values_list("user__username", flat=True)[:OFFERED_PEOPLE],
    }


def _rows(request: HttpRequest, context: dict[str, Any], message: str) -> HttpResponse:
    fresh = selectors.get_team(user_of(request), context["team"].pk)
    response = render(request, "organizations/_team_members.html", context | {"team": fresh})
    return with_toast(response, message)
