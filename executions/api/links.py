"""Absolute addresses of executions and their surroundings, made once per request."""

from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from rest_framework.request import Request

from executions.models import Execution
from projects.models import Commit, Project

_PLACE = "00000000-0000-0000-0000-000000000000"


class Links:
    """Patterns are resolved once: a list of thousands of rows only puts ids into them."""

    def __init__(self, request: Request | HttpRequest) -> None:
        self._base = f"{request.scheme}://{request.get_host()}"
        self._execution = self._base + reverse("execution-detail", args=[_PLACE])
        self._project = self._base + reverse("project-detail", args=[_PLACE])
        self._commit = self._base + reverse("commit-detail", args=[_PLACE])
        self._environment = self._base + reverse("environment-detail", args=[_PLACE])

    def execution(self, pk: UUID) -> str:
        return self._execution.replace(_PLACE, str(pk))

    def project(self, pk: UUID) -> str:
        return self._project.replace(_PLACE, str(pk))

    def environment(self, pk: UUID) -> str:
        return self._environment.replace(_PLACE, str(pk))

    def commit(self, commit: Commit) -> str:
        return self._commit.replace(_PLACE, commit.identifier)

    def project_page(self, project: Project) -> str:
        return f"{self._base}/p/{project.owner.name}/{project.name}/"

    def execution_links(self, execution: Execution) -> dict[str, str]:
        page = self.project_page(execution.project)
        return {
            "copy": f"{page}executions/create/?from={execution.pk}",
            "copy_to_task": f"{page}tasks/create/?from={execution.pk}",
            "display": f"{page}execution/{execution.pk}/",
            "stop": f"{self.execution(execution.pk)}stop/",
        }
