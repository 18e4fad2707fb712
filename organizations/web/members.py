"""The tab of members: everybody of the organization sees it, its owners act on it."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.pages import page, wants_fragment, with_toast
from organizations import selectors, services
from organizations.models import Organization, OrganizationMembership
from organizations.web.pages import organization_page, owned_organization_page

PAGE_SIZE = 50


@page
@require_GET
def members(request: HttpRequest, organization: str) -> HttpResponse:
    return _shown(request, organization_page(request, organization, "members"))


@page
@require_POST
def change_role(request: HttpRequest, organization: str, user_id: int) -> HttpResponse:
    def change(found: Organization, member: OrganizationMembership) -> str:
        role = request.POST.get("role", "")
        services.change_role(organization=found, actor=user_of(request), user=member.user, role=role)
        return f"{member.user} is {_ARTICLES[role]} {role} now."

    return _acted(request, organization, user_id, change)


@page
@require_POST
def remove(request: HttpRequest, organization: str, user_id: int) -> HttpResponse:
    def end(found: Organization, member: OrganizationMembership) -> str:
        services.remove_member(organization=found, actor=user_of(request), user=member.user)
        return f"{member.user} is no longer a member."

    return _acted(request, organization, user_id, end)


_ARTICLES = {"owner": "an", "member": "a", "viewer": "a"}


def _acted(
    request: HttpRequest,
    organization: str,
    user_id: int,
    act: Callable[[Organization, OrganizationMembership], str],
) -> HttpResponse:
    """The rows as they are after the action, done or refused, so that no control shows what is not so."""
    context = owned_organization_page(request, organization, "members")
    found: Organization = context["organization"]
    kind = "success"
    try:
        message = act(found, selectors.get_member(found, user_id))
    except DomainError as error:
        message, kind = error.message, "error"
    if user_id == user_of(request).pk and kind == "success":
        # One's own rights have changed: tabs and actions of the whole page do.
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    return with_toast(_shown(request, context), message, kind)


def _shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    text = request.GET.get("search", "").replace("\0", "").strip()[:100]
    listed = selectors.members_of(context["organization"])
    if text:
        listed = selectors.search_members(listed, text, in_addresses=context["administers"])
    context |= {
        "page": Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page")),
        "search": text,
        "roles": OrganizationMembership.Role.values,
    }
    return render(
        request,
        "organizations/_members.html" if wants_fragment(request) else "organizations/members.html",
        context,
    )
