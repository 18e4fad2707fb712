"""The tab of invitations: who was invited and has not come yet."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page
from organizations import selectors, services
from organizations.invitations import State, state_of
from organizations.links import invitation_link
from organizations.models import Organization
from organizations.web.forms import InvitationForm
from organizations.web.pages import organization_page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, "invitations")
    found: Organization = context["organization"]
    form = InvitationForm(request.POST or None, teams=selectors.teams_of(found))
    if request.method == "POST" and form.is_valid():
        try:
            _invite(request, found, form)
        except DomainError as error:
            show_error(form, error)
        else:
            return redirect("organization_invitations", found.name)
    rows = [(sent, state_of(sent) == State.EXPIRED) for sent in selectors.pending_invitations(found)]
    return render(request, "organizations/invitations.html", context | {"form": form, "rows": rows})


@page
@require_POST
def resend(request: HttpRequest, organization: str, invitation_id: UUID) -> HttpResponse:
    found: Organization = organization_page(request, organization, "invitations")["organization"]
    invitation = selectors.get_invitation(user_of(request), found, invitation_id)
    try:
        services.resend_invitation(
            invitation=invitation, actor=user_of(request), link=invitation_link(request)
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"Sent a new letter to {invitation.email}. The link of the old one has ended."
        )
    return redirect("organization_invitations", found.name)


@page
@require_POST
def cancel(request: HttpRequest, organization: str, invitation_id: UUID) -> HttpResponse:
    found: Organization = organization_page(request, organization, "invitations")["organization"]
    invitation = selectors.get_invitation(user_of(request), found, invitation_id)
    try:
        services.cancel_invitation(invitation=invitation, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Cancelled the invitation of {invitation.email}.")
    return redirect("organization_invitations", found.name)


def _invite(request: HttpRequest, organization: Organization, form: InvitationForm) -> None:
    given = form.cleaned_data
    invitation = services.invite(
        organization=organization,
        actor=user_of(request),
        email=given["email"],
        role=given["role"],
        teams=selectors.teams_among(organization, given["teams"]),
        link=invitation_link(request),
    )
    if invitation.accepted_by:
        messages.success(request, f"{invitation.accepted_by} is a member now.")
    else:
        messages.success(request, f"Sent a letter to {invitation.email}.")
