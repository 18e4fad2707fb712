"""Absolute addresses of projects and commits, with the host that the client used."""

from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request

from projects.models import Commit, Project

_PLACE = "00000000-0000-0000-0000-000000000000"


class Links:
    """Patterns are resolved once per request: a list of thousands of rows only puts ids into them."""

    def __init__(self, request: Request) -> None:
        self._base = f"{request.scheme}://{request.get_host()}"
        self._project = self._base + reverse("project-detail", args=[_PLACE])
        self._commit = self._base + reverse("commit-detail", args=[_PLACE])

    def project(self, pk: UUID) -> str:
        return self._project.replace(_PLACE, str(pk))

    def commit(self, commit: Commit) -> str:
        """By id: two projects may hold the same git commit, each with a configuration of its own."""
        return self._commit.replace(_PLACE, str(commit.pk))

    def project_page(self, project: Project) -> str:
        return f"{self._base}/p/{project.owner.name}/{project.name}/"
