"""What every page about one organization shows: its name, its tabs, and whether the user administers it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.current import user_of
from organizations import selectors
from organizations.access import Capability, Forbidden, capabilities_in
from organizations.models import Organization


@dataclass(frozen=True)
class OrganizationTab:
    """`view_name` is a route with the parameter `organization`, the name of one."""

    name: str
    label: str
    view_name: str
    order: int
    """Where it stands among the others; tabs of higher apps fit in between."""
    for_owners_only: bool = True


tabs: list[OrganizationTab] = []
"""Higher apps append theirs when they are loaded."""


@dataclass(frozen=True)
class TabLink:
    name: str
    label: str
    url: str


def organization_page(request: HttpRequest, name: str, active_tab: str) -> dict[str, Any]:
    """The context of a page; `OrganizationNotFound` when the user may not see the organization, `Forbidden` when the
    tab is for its owners and they are none."""
    user = user_of(request)
    organization = selectors.get_organization_by_name(user, name)
    tab = next(tab for tab in tabs if tab.name == active_tab)
    administers = Capability.ADMINISTER in capabilities_in(user, organization)
    if tab.for_owners_only and not administers:
        raise Forbidden(Capability.ADMINISTER, organization)
    return {
        "organization": organization,
        "administers": administers,
        "organization_tabs": links_for(organization, administers=administers),
        "organization_tab": active_tab,
    }


def owned_organization_page(request: HttpRequest, name: str, active_tab: str) -> dict[str, Any]:
    """As `organization_page`, for what only owners of the organization do."""
    context = organization_page(request, name, active_tab)
    if not context["administers"]:
        raise Forbidden(Capability.ADMINISTER, context["organization"])
    return context


def links_for(organization: Organization, *, administers: bool) -> list[TabLink]:
    shown = [tab for tab in tabs if administers or not tab.for_owners_only]
    return [
        TabLink(tab.name, tab.label, reverse(tab.view_name, kwargs={"organization": organization.name}))
        for tab in sorted(shown, key=lambda tab: tab.order)
    ]
