"""The page that the link of an invitation into a project opens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from organizations.access import Capability, may
from organizations.web.acceptance import Acceptance, acceptance_page
from projects import services
from projects.models import ProjectCollaborator, ProjectInvitation


def accept(request: HttpRequest, secret: str) -> HttpResponse:
    return acceptance_page(request, secret, INTO_A_PROJECT)


def _welcome(request: HttpRequest, collaborator: ProjectCollaborator) -> HttpResponse:
    project = collaborator.project
    if not may(collaborator.user, Capability.VIEW, project):
        # The organization's rules are not kept yet; see `organizations.access`.
        messages.warning(
            request, f"You are in. {project.owner} needs a second factor: set one up to see {project}."
        )
        return redirect("home")
    messages.success(request, f"Welcome to {project}.")
    return redirect("project", project.owner.name, project.name)


INTO_A_PROJECT = Acceptance(
    model=ProjectInvitation,
    template="projects/accept.html",
    shown=lambda invitation: {"joined": invitation.project},
    accept=lambda invitation, user: services.accept_invitation(invitation=invitation, user=user),
    welcome=_welcome,
)
