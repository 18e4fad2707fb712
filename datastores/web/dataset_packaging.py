"""The packages of a version, on its page: how far they are, a button for them, and one that removes them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.current import user_of
from common.web.pages import page
from datastores.datasets.packaging import services
from datastores.datasets.packaging.selectors import packaging_of
from datastores.web.datasets import version_page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def packaging(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID
) -> HttpResponse:
    """To htmx, which asks again while they are made, only what changes. POST asks for packages, or removes them."""
    context, version = version_page(request, owner, project, dataset_id, version_id)
    if request.method == "POST":
        if request.POST.get("action") == "remove":
            services.remove_packages(version=version, actor=user_of(request))
            messages.success(request, "Removed. Jobs get its files one by one from now on.")
        else:
            services.request_packages(version=version, actor=user_of(request))
            messages.success(request, "Packages are made in the background. Jobs need not wait for them.")
        return redirect(
            "project_dataset_version",
            owner=owner,
            project=project,
            dataset_id=dataset_id,
            version_id=version_id,
        )
    context |= {"version": version, "packaging": packaging_of(version)}
    return render(request, "datastores/datasets/_packaging.html", context)
