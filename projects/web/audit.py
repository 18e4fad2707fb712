"""The audit log of one project, among its settings."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.current import user_of
from audit.selectors import of_project
from audit.web.pages import log_file, log_page
from common.web.pages import page
from organizations.access import Capability, require
from organizations.audit_access import source_rule
from projects.models import Project
from projects.web.context import project_page


def audit(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    """The tab; its caller has asked for the right to administer the project."""
    csv_url = reverse("project_audit_csv", kwargs={"owner": project.owner.name, "project": project.name})
    shown = log_page(
        request, of_project(project.pk), source_rule(user_of(request)), csv_url=csv_url, projects=None
    )
    return render(request, "projects/settings/audit.html", context | shown)


@page
@require_GET
def audit_csv(request: HttpRequest, owner: str, project: str) -> StreamingHttpResponse:
    found: Project = project_page(request, owner, project, "settings")["project"]
    require(user_of(request), Capability.ADMINISTER, found)
    return log_file(request, of_project(found.pk), source_rule(user_of(request)), name=found.name)
