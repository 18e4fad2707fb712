"""The page of an environment: how it stands, its machines, and why the autoscaler did what it did. And an organization's fleet."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.current import user_of
from accounts.models import User
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page, wants_fragment, with_toast
from environments import selectors as environments
from environments import services as environment_services
from environments.access import manages, require_management
from environments.autoscaling import selectors, services
from environments.autoscaling.agents import Agent, Look
from environments.autoscaling.models import Machine
from environments.autoscaling.selectors import MachineView, Standing
from environments.models import Environment
from environments.web.forms import scale_fields
from environments.web.jobs import JobLink, links_of
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page

TAB = OrganizationTab("machines", "Machines", "organization_machines", 45)
MOST_DECISIONS = 50
MOST_ENDED = 20
MOST_MACHINES = 500


class ScaleForm(forms.Form):
    """The numbers that owners change while jobs wait."""

    scale_min, scale_max, scale_down_grace_period = scale_fields()


@dataclass(frozen=True)
class MachineRow:
    view: MachineView
    jobs: list[JobLink]
    hidden_jobs: int
    """Of others, which the user may not see."""


@dataclass(frozen=True)
class WorkerRow:
    agent: Agent
    is_busy: bool


@dataclass(frozen=True)
class Action:
    done: str
    act: Callable[[Machine, User], None]


ACTIONS = {
    "drain": Action("is drained", lambda m, actor: services.drain_machine(machine=m, actor=actor)),
    "terminate": Action("ends", lambda m, actor: services.terminate_machine(machine=m, actor=actor)),
    "cordon": Action(
        "takes no new jobs", lambda m, actor: services.set_cordoned(machine=m, actor=actor, cordoned=True)
    ),
    "uncordon": Action(
        "takes jobs again", lambda m, actor: services.set_cordoned(machine=m, actor=actor, cordoned=False)
    ),
    "restart": Action(
        "restarts its agent after the running job", lambda m, actor: services.restart_agents(machine=m, actor=actor)
    ),
}  # fmt: skip


@page
@require_GET
def environment_list(request: HttpRequest) -> HttpResponse:
    """What one may run on, and how it stands."""
    usable = list(environments.environments_for(request.user))
    context = {"standings": selectors.standings(usable)}
    template = (
        "environments/fleet/_standings.html" if wants_fragment(request) else "environments/fleet/list.html"
    )
    return render(request, template, context)


@page
@require_GET
def environment(request: HttpRequest, environment: str) -> HttpResponse:
    shown = _shown(request, environment)
    context = _context(request, shown)
    if wants_fragment(request):
        return render(request, "environments/fleet/_live.html", context)
    return render(request, "environments/fleet/environment.html", context | {"form": _scale_form(shown)})


@page
@require_POST
def change_scale(request: HttpRequest, environment: str) -> HttpResponse:
    shown = _shown(request, environment)
    require_management(user_of(request), shown)
    form = ScaleForm(request.POST)
    if form.is_valid():
        try:
            environment_services.update_environment(
                environment=shown, actor=user_of(request), **form.cleaned_data
            )
        except DomainError as error:
            show_error(form, error)
        else:
            return redirect("environment", shown.slug)
    return render(request, "environments/fleet/environment.html", _context(request, shown) | {"form": form})


@page
@require_POST
def act_on_machine(request: HttpRequest, environment: str, machine_id: UUID, action: str) -> HttpResponse:
    """One of `ACTIONS`; answers the part of the page that changes."""
    shown = _shown(request, environment)
    require_management(user_of(request), shown)
    machine = selectors.machine_of(shown, machine_id)
    known = ACTIONS[action]
    known.act(machine, user_of(request))
    response = render(request, "environments/fleet/_live.html", _context(request, shown))
    return with_toast(response, f"Machine {machine} {known.done}.")


@page
@require_GET
def organization_machines(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    standings = selectors.standings(list(environments.environments_of(found)))
    context |= {
        "standings": standings,
        "machine_count": sum(standing.total for standing in standings),
        "per_hour_usd": sum((standing.per_hour_usd for standing in standings), Decimal(0)),
        "this_month_usd": sum((standing.this_month_usd for standing in standings), Decimal(0)),
        "shows_costs": True,
    }
    if wants_fragment(request):
        return render(request, "environments/fleet/_organization.html", context)
    return render(request, "environments/fleet/organization.html", context)


def _shown(request: HttpRequest, reference: str) -> Environment:
    return environments.named(environments.shown_environments(request.user), reference)


def _scale_form(shown: Environment) -> ScaleForm:
    return ScaleForm(initial={name: getattr(shown, name) for name in ScaleForm.base_fields})


def _context(request: HttpRequest, shown: Environment) -> dict[str, Any]:
    user = user_of(request)
    look = selectors.look_or_none([shown.redis_queue])
    may_manage = manages(user, shown)
    standing = selectors.standings([shown], look)[0]
    context: dict[str, Any] = {
        "environment": shown,
        "standing": standing,
        "is_redis_away": look is None,
        "may_manage": may_manage,
        "organization": getattr(shown.owner, "organization", None) if may_manage else None,
    }
    if may_manage:
        context |= _management(user, shown, standing, look)
    return context


def _management(user: User, shown: Environment, standing: Standing, look: Look | None) -> dict[str, Any]:
    views = selectors.views_of(selectors.machines_of(shown)[:MOST_MACHINES], look, shown.queue_name)
    links = links_of(user, {job for view in views for job in view.jobs})
    busy = look.busy if look else frozenset()
    return {
        "machines": [_row(view, links) for view in views],
        "ended": selectors.machines_of(shown, ended=True)[:MOST_ENDED],
        "decisions": selectors.decisions_of(shown)[:MOST_DECISIONS],
        "workers": [WorkerRow(agent, agent.identity in busy) for agent in standing.workers],
    }


def _row(view: MachineView, links: dict[str, JobLink]) -> MachineRow:
    jobs = [links[job] for job in view.jobs if job in links]
    return MachineRow(view, jobs, len(view.jobs) - len(jobs))
