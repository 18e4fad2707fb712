"""Invitations into a project, and the addresses of what has to do with them."""

from typing import Any

from django.urls import reverse

from accounts.models import User
from projects import services
from projects.models import Project, ProjectInvitation


def link(secret: str) -> str:
    return f"https://mlops.example.com/invitations/project/{secret}/"


def at(project: Project, tail: str = "") -> str:
    return f"/api/v0/projects/{project.pk}/collaborators/{tail}"


def accept_at(invitation: Any) -> str:
    return reverse("project_invitation", kwargs={"secret": invitation.secret})


def invite(project: Project, actor: User, email: str, **more: Any) -> ProjectInvitation:
    return services.invite_collaborator(project=project, actor=actor, email=email, link=link, **more)
