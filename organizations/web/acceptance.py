"""The page that the link of an invitation opens: whoever is signed in joins, whoever is not makes an account or logs in.

Looking changes nothing, so that a mail program that opens links by itself accepts no invitation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import error_response
from organizations import invitations
from organizations.models import InvitationBase
from organizations.web.forms import SignUpForm
from organizations.web.new_accounts import create_account, enter

Sent = TypeVar("Sent", bound=InvitationBase)
Place = TypeVar("Place")


@dataclass(frozen=True)
class Acceptance(Generic[Sent, Place]):
    """How invitations of one kind are accepted."""

    model: type[Sent]
    template: str
    """Extends `organizations/acceptance.html`."""
    shown: Callable[[Sent], dict[str, Any]]
    """What the template takes besides the invitation."""
    accept: Callable[[Sent, User], Place]
    """Calls the service; what the user has become. May raise a `DomainError`."""
    welcome: Callable[[HttpRequest, Place], HttpResponse]


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def acceptance_page(request: HttpRequest, secret: str, acceptance: Acceptance[Sent, Place]) -> HttpResponse:
    try:
        invitation = invitations.find(acceptance.model, secret)
    except DomainError as error:
        return error_response(request, error)
    context = {"invitation": invitation, **acceptance.shown(invitation)}
    if isinstance(request.user, User):
        return _with_account(request, acceptance, invitation, request.user, context)
    return _without_account(request, acceptance, invitation, context)


def _with_account(
    request: HttpRequest,
    acceptance: Acceptance[Sent, Place],
    invitation: Sent,
    user: User,
    context: dict[str, Any],
) -> HttpResponse:
    if request.method != "POST":
        return render(request, acceptance.template, context)
    try:
        return acceptance.welcome(request, acceptance.accept(invitation, user))
    except DomainError as error:
        refused = {**context, "refusal": error.message}
        return render(request, acceptance.template, refused, status=error.http_status)


def _without_account(
    request: HttpRequest, acceptance: Acceptance[Sent, Place], invitation: Sent, context: dict[str, Any]
) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():  # a link that ends meanwhile leaves no account behind
                user = create_account(email=invitation.email, **form.cleaned_data)
                place = acceptance.accept(invitation, user)
        except DomainError as error:
            show_error(form, error)
        else:
            enter(request, user)
            return acceptance.welcome(request, place)
    return render(request, acceptance.template, {**context, "form": form})
