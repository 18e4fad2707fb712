"""The tab of an organization's audit log; one's own activity; for superusers, everything."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.current import user_of
from audit.web.pages import log_file, log_page
from common.web.pages import page
from organizations import audit_access
from organizations.models import Organization
from organizations.web.pages import organization_page

OFFERED_PROJECTS = 200


@page
@require_GET
def log(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, "audit")
    found: Organization = context["organization"]
    user = user_of(request)
    context |= log_page(
        request,
        audit_access.events_of_organization(user, found),
        audit_access.source_rule(user),
        csv_url=reverse("organization_audit_csv", args=[found.name]),
        projects=[f"{found.name}/{name}" for name in _project_names(found)],
    )
    return render(request, "organizations/audit.html", context)


@page
@require_GET
def log_csv(request: HttpRequest, organization: str) -> StreamingHttpResponse:
    found: Organization = organization_page(request, organization, "audit")["organization"]
    user = user_of(request)
    events = audit_access.events_of_organization(user, found)
    return log_file(request, events, audit_access.source_rule(user), name=found.name)


@page
@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    """What happened to one's own account and things."""
    user = user_of(request)
    context = log_page(
        request,
        audit_access.own_events(user),
        audit_access.source_rule(user),
        csv_url=reverse("activity_csv"),
        projects=(),
    )
    return render(request, "audit/activity.html", context)


@page
@require_GET
def activity_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = user_of(request)
    return log_file(
        request, audit_access.own_events(user), audit_access.source_rule(user), name=user.username
    )


def _project_names(organization: Organization) -> list[str]:
    """Projects belong to a higher app and are reached through their model's relation."""
    return list(
        organization.owner.projects.order_by("name").values_list("name", flat=True)[:OFFERED_PROJECTS]
    )
