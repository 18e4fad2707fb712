"""The part of an environment's page about its machines: the command that adds one, open tokens, enrolled workers."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.current import user_of
from common import clock
from common.errors import DomainError
from common.web.forms import SELECT, show_error
from common.web.pages import page
from environments import selectors
from environments.enrolment import distribution, services
from environments.enrolment.installer import install_command
from environments.enrolment.models import WorkerCredential
from environments.enrolment.selectors import (
    enrolled_worker,
    enrolled_workers,
    open_tokens,
    refused_clone,
    token_of,
)
from environments.enrolment.types import ALIVE
from environments.models import Environment
from organizations.models import Organization
from organizations.web.pages import organization_page

MOST_SHOWN = 200
LIFETIMES = [(1, "an hour"), (24, "a day"), (24 * 7, "a week")]
MACHINES = [(1, "one machine"), (10, "ten machines"), (100, "a hundred machines")]


class TokenForm(forms.Form):
    uses = forms.TypedChoiceField(
        label="For", choices=MACHINES, coerce=int, initial=1, widget=forms.Select(SELECT)
    )
    lifetime_hours = forms.TypedChoiceField(
        label="Within", choices=LIFETIMES, coerce=int, initial=24, widget=forms.Select(SELECT)
    )


@dataclass(frozen=True)
class WorkerRow:
    credential: WorkerCredential
    is_alive: bool
    cloned_by: str | None


def enrolment(environment: Environment) -> dict[str, Any]:
    """Context of the template `environments/_enrolment.html`."""
    alive_since = clock.now() - ALIVE
    rows = [
        WorkerRow(credential, credential.worker.last_seen_at > alive_since, refused_clone(credential))
        for credential in enrolled_workers(environment)[:MOST_SHOWN]
    ]
    return {
        "workers": rows,
        "most_workers": MOST_SHOWN,
        "tokens": open_tokens(environment)[:MOST_SHOWN],
        "token_form": TokenForm(),
        "can_install": distribution.build() is not None,
    }


@page
@require_POST
def issue_token(request: HttpRequest, organization: str, environment: str) -> HttpResponse:
    """The part of the page again, with a command that is shown this once."""
    context = organization_page(request, organization, "environments")
    managed = _managed(context, environment)
    form, made = TokenForm(request.POST), {}
    if form.is_valid():
        try:
            token = services.issue_token(
                environment=managed,
                actor=user_of(request),
                uses=form.cleaned_data["uses"],
                lifetime=timedelta(hours=form.cleaned_data["lifetime_hours"]),
            )
            made = {"command": install_command(request, token)}
        except DomainError as error:
            show_error(form, error)
    context |= {"environment": managed, **enrolment(managed), "token_form": form, **made}
    return render(request, "environments/_enrolment.html", context)


@page
@require_POST
def revoke_token(request: HttpRequest, organization: str, environment: str, token_id: UUID) -> HttpResponse:
    managed = _managed(organization_page(request, organization, "environments"), environment)
    services.revoke_token(token=token_of(managed, token_id), actor=user_of(request))
    messages.success(request, "Revoked the token: it lets no machine in any more.")
    return redirect("organization_environment", organization, managed.slug)


@page
@require_POST
def revoke_worker(
    request: HttpRequest, organization: str, environment: str, credential_id: UUID
) -> HttpResponse:
    managed = _managed(organization_page(request, organization, "environments"), environment)
    credential = enrolled_worker(managed, credential_id)
    services.revoke_worker(credential=credential, actor=user_of(request))
    messages.success(request, f"Revoked {credential}: it takes no more jobs.")
    return redirect("organization_environment", organization, managed.slug)


def _managed(context: dict[str, Any], reference: str) -> Environment:
    organization: Organization = context["organization"]
    return selectors.named(selectors.environments_of(organization), reference)
