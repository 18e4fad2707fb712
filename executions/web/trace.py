"""The pages that draw a trace. The graph comes from the public API, so that scripts get what the page shows."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from common.web.pages import page
from datastores.web.datasets import version_page
from executions.web.detail import common_context, execution_at
from executions.web.files import file_page
from projects.web.context import project_page


@page
@require_GET
def of_file(request: HttpRequest, owner: str, project: str, datum_id: UUID) -> HttpResponse:
    context, datum = file_page(request, owner, project, datum_id)
    names = {"owner": owner, "project": project}
    context |= {
        "name": datum.name,
        "kind": "file",
        "made_by": datum.output_execution_id,
        "back": reverse("project_datum", kwargs={**names, "datum_id": datum.pk}),
        "api_url": reverse("datum-trace", args=[datum.pk]),
    }
    return render(request, "executions/trace.html", context)


@page
@require_GET
def of_version(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID
) -> HttpResponse:
    context, version = version_page(request, owner, project, dataset_id, version_id)
    found = context["project"]
    names = {"owner": owner, "project": project, "dataset_id": dataset_id, "version_id": version.pk}
    context |= {
        "name": str(version),
        "kind": "version",
        "made_by": version.execution_id if version.execution_project_id == found.pk else None,
        "back": reverse("project_dataset_version", kwargs=names),
        "api_url": f"{reverse('dataset-version-trace', args=[version.pk])}?project={found.pk}",
    }
    return render(request, "executions/trace.html", context)


@page
@require_GET
def of_execution(request: HttpRequest, owner: str, project: str, execution_id: UUID) -> HttpResponse:
    context = project_page(request, owner, project, "executions")
    found = execution_at(request, owner, project, execution_id)
    names = {"owner": owner, "project": project}
    context |= common_context(request, found) | {
        "name": f"#{found.counter} {found.title or found.step}",
        "kind": "execution",
        "made_by": found.pk,
        "back": reverse("execution", kwargs={**names, "execution_id": found.pk}),
        "api_url": reverse("execution-trace", args=[found.pk]),
    }
    return render(request, "executions/trace.html", context)
