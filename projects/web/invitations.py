"""The page that the link of an invitation into a project opens.

Looking changes nothing, so that a mail program that opens links by itself accepts no invitation.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.errors import DomainError
from common.web.pages import error_response
from organizations import invitations
from projects import services
from projects.models import ProjectInvitation


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        invitation = invitations.find(ProjectInvitation, secret)
    except DomainError as error:
        return error_response(request, error)
    context: dict[str, Any] = {"invitation": invitation, "project": invitation.project}
    if request.method != "POST" or not isinstance(request.user, User):
        return render(request, "projects/accept.html", context)
    try:
        collaborator = services.accept_invitation(invitation=invitation, user=request.user)
    except DomainError as error:
        context["refusal"] = error
        return render(request, "projects/accept.html", context, status=error.http_status)
    project = collaborator.project
    messages.success(request, f"Welcome to {project}.")
    return redirect("project", project.owner.name, project.name)
