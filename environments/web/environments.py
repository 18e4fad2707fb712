"""The tab Environments of an organization: its kinds of machine, who may use them, and the quotas of its teams."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.addresses import public_url
from common.web.forms import show_error
from common.web.pages import page, with_toast
from environments import selectors, services
from environments.checks import namespace_of
from environments.dispatchers import dispatchers_of
from environments.models import Environment, TeamPlace
from environments.web.enrolment import enrolment
from environments.web.forms import EnvironmentForm, NewEnvironmentForm, QuotaForm
from environments.web.slurm_form import form_class_for
from organizations.models import Organization, Team
from organizations.references import team_in
from organizations.services import change_settings
from organizations.web.pages import OrganizationTab, organization_page

DISPATCHER_SETUP = """\
REDIS_URL=rediss://:<password>@<queue host>:63790
APP_URL={address}
QUEUES={queue}
"""
TAB = OrganizationTab("environments", "Environments", "organization_environments", 40)


@dataclass(frozen=True)
class QuotaRow:
    team: Team
    place: TeamPlace | None
    form: QuotaForm


@page
@require_GET
def environments(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    context |= {
        "environments": selectors.environments_of(found),
        "shared": selectors.shared_environments(),
        "possible_defaults": {row.slug for row in selectors.usable_by_projects_of(found)},
    }
    return render(request, "environments/list.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    initial = EnvironmentForm.initial_of(Environment()) | {"slug": namespace_of(found.owner)}
    form = NewEnvironmentForm(
        request.POST or None, organization=found, teams=teams_of(found), initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            created = services.create_environment(actor=user_of(request), owner=found.owner, **form.values())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(
                request, f"Created {created.name}. Its workers serve the queue {created.queue_name}."
            )
            return redirect("organization_environment", found.name, created.slug)
    return render(request, "environments/create.html", context | {"form": form})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def environment(request: HttpRequest, organization: str, environment: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    managed = selectors.named(selectors.environments_of(found), environment)
    form_class = form_class_for(managed)
    form = form_class(
        request.POST or None, organization=found, teams=teams_of(found), initial=form_class.initial_of(managed)
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            services.update_environment(environment=managed, actor=user_of(request), **form.values())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Saved {form.cleaned_data['name']}.")
            return redirect("organization_environment", found.name, managed.slug)
    context |= {
        "environment": managed,
        "form": form,
        "quotas": quota_rows(managed, found),
        "dispatchers": dispatchers_of(managed),
        "dispatcher_setup": DISPATCHER_SETUP.format(
            address=public_url("", request), queue=managed.queue_name
        ),
        **enrolment(managed),
    }
    return render(request, "environments/detail.html", context)


@page
@require_POST
def quota(request: HttpRequest, organization: str, environment: str) -> HttpResponse:
    """Save the place of one team and answer its row."""
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    managed = selectors.named(selectors.environments_of(found), environment)
    team = team_in(found, request.POST.get("team", ""))
    form = QuotaForm(request.POST)
    saved = form.is_valid() and _save_quota(request, managed, team, form)
    place = managed.team_places.filter(team=team).first()
    row = QuotaRow(team, place, QuotaForm(initial=_initial(place)) if saved else form)
    response = render(request, "environments/_quota.html", context | {"environment": managed, "row": row})
    return with_toast(response, f"Saved the quota of {team.name}.") if saved else response


@page
@require_POST
def delete(request: HttpRequest, organization: str, environment: str) -> HttpResponse:
    found: Organization = organization_page(request, organization, TAB.name)["organization"]
    managed = selectors.named(selectors.environments_of(found), environment)
    try:
        services.delete_environment(environment=managed, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("organization_environment", found.name, managed.slug)
    messages.success(request, f"Deleted {managed.name}.")
    return redirect("organization_environments", found.name)


@page
@require_POST
def set_default(request: HttpRequest, organization: str) -> HttpResponse:
    found: Organization = organization_page(request, organization, TAB.name)["organization"]
    slug = request.POST.get("environment", "")
    try:
        change_settings(organization=found, actor=user_of(request), default_environment_slug=slug)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"New projects start with {slug or 'the default of the installation'}.")
    return redirect("organization_environments", found.name)


def teams_of(organization: Organization) -> list[Team]:
    return list(organization.teams.order_by("name"))


def quota_rows(environment: Environment, organization: Organization) -> list[QuotaRow]:
    places = {place.team_id: place for place in environment.team_places.all()}
    return [
        QuotaRow(team, places.get(team.pk), QuotaForm(initial=_initial(places.get(team.pk))))
        for team in teams_of(organization)
    ]


def _initial(place: TeamPlace | None) -> dict[str, Any]:
    if place is None:
        return {"place": QuotaForm.NONE}
    if place.max_running is None:
        return {"place": QuotaForm.UNLIMITED}
    return {"place": QuotaForm.LIMITED, "quota": place.max_running}


def _save_quota(request: HttpRequest, environment: Environment, team: Team, form: QuotaForm) -> bool:
    given = form.cleaned_data
    try:
        services.set_team_quota(
            environment=environment, actor=user_of(request), team=team,
            has_place=given["place"] != QuotaForm.NONE,
            quota=given["quota"] if given["place"] == QuotaForm.LIMITED else None,
        )  # fmt: skip
    except DomainError as error:
        form.add_error("quota", error.message)
        return False
    return True
