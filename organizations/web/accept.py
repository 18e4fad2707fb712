"""The page that the link of an invitation opens: whoever is signed in joins, whoever is not makes an account or logs in.

Looking changes nothing, so that a mail program that opens links by itself accepts no invitation.
"""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import error_response
from organizations import invitations, selectors, services
from organizations.models import Invitation, OrganizationMembership
from organizations.web import context
from organizations.web.forms import SignUpForm
from organizations.web.new_accounts import create_account, sign_in


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        invitation = invitations.find(Invitation, secret)
    except DomainError as error:
        return error_response(request, error)
    if isinstance(request.user, User):
        return _with_account(request, invitation, request.user)
    return _without_account(request, invitation)


def _with_account(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    shown: dict[str, Any] = {"invitation": invitation, "teams": invitation.teams.order_by("name")}
    if request.method != "POST":
        return render(request, "organizations/accept.html", shown)
    try:
        return _welcome(request, services.accept(invitation=invitation, user=user))
    except DomainError as error:
        shown["refusal"] = error.message
        return render(request, "organizations/accept.html", shown, status=error.http_status)


def _without_account(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with (
                transaction.atomic()
            ):  # an invitation that somebody else was quicker with leaves no account behind
                user = create_account(email=invitation.email, **form.cleaned_data)
                membership = services.accept(invitation=invitation, user=user)
        except DomainError as error:
            show_error(form, error)
        else:
            sign_in(request, user)
            return _welcome(request, membership)
    shown = {"invitation": invitation, "teams": invitation.teams.order_by("name"), "form": form}
    return render(request, "organizations/accept.html", shown)


def _welcome(request: HttpRequest, membership: OrganizationMembership) -> HttpResponse:
    organization = membership.organization
    if organization.require_2fa and not selectors.has_second_factor(membership.user):
        messages.warning(
            request, f"You are in {organization}. It needs a second factor: set one up to see it."
        )
    else:
        context.choose(request, organization.pk)
        messages.success(request, f"Welcome to {organization}.")
    return redirect("home")
