"""The page that the link of an invitation into a project opens: whoever is signed in joins, whoever is not makes an account.

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
from organizations import invitations
from organizations.access import Capability, may
from organizations.web.forms import SignUpForm
from organizations.web.new_accounts import create_account, sign_in
from projects import services
from projects.models import ProjectCollaborator, ProjectInvitation


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        invitation = invitations.find(ProjectInvitation, secret)
    except DomainError as error:
        return error_response(request, error)
    if isinstance(request.user, User):
        return with_account(request, invitation, request.user)
    return without_account(request, invitation)


def with_account(request: HttpRequest, invitation: ProjectInvitation, user: User) -> HttpResponse:
    context: dict[str, Any] = {"invitation": invitation, "project": invitation.project}
    if request.method != "POST":
        return render(request, "projects/accept.html", context)
    try:
        return welcome(request, services.accept_invitation(invitation=invitation, user=user))
    except DomainError as error:
        context["refusal"] = error.message
        return render(request, "projects/accept.html", context, status=error.http_status)


def without_account(request: HttpRequest, invitation: ProjectInvitation) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():  # a link that ends meanwhile leaves no account behind
                user = create_account(email=invitation.email, **form.cleaned_data)
                collaborator = services.accept_invitation(invitation=invitation, user=user)
        except DomainError as error:
            show_error(form, error)
        else:
            sign_in(request, user)
            return welcome(request, collaborator)
    context = {"invitation": invitation, "project": invitation.project, "form": form}
    return render(request, "projects/accept.html", context)


def welcome(request: HttpRequest, collaborator: ProjectCollaborator) -> HttpResponse:
    project = collaborator.project
    if not may(collaborator.user, Capability.VIEW, project):
        # The organization's rules are not kept yet; see `organizations.access`.
        messages.warning(
            request, f"You are in. {project.owner} needs a second factor: set one up to see {project}."
        )
        return redirect("home")
    messages.success(request, f"Welcome to {project}.")
    return redirect("project", project.owner.name, project.name)
