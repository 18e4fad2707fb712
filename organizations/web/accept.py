"""The page that the link of an invitation into an organization opens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.selectors import has_2fa
from organizations import services
from organizations.models import Invitation, OrganizationMembership
from organizations.web import context
from organizations.web.acceptance import Acceptance, acceptance_page


def accept(request: HttpRequest, secret: str) -> HttpResponse:
    return acceptance_page(request, secret, INTO_AN_ORGANIZATION)


def _welcome(request: HttpRequest, membership: OrganizationMembership) -> HttpResponse:
    organization = membership.organization
    if organization.require_2fa and not has_2fa(membership.user):
        messages.warning(
            request, f"You are in {organization}. It needs a second factor: set one up to see it."
        )
    else:
        context.choose(request, organization.pk)
        messages.success(request, f"Welcome to {organization}.")
    return redirect("home")


INTO_AN_ORGANIZATION = Acceptance(
    model=Invitation,
    template="organizations/accept.html",
    shown=lambda invitation: {"joined": invitation.organization, "teams": invitation.teams.order_by("name")},
    accept=lambda invitation, user: services.accept(invitation=invitation, user=user),
    welcome=_welcome,
)
