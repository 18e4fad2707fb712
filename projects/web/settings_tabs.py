"""What every page of project settings shows: the tabs, for administrators of the project only."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.current import user_of
from organizations.access import Capability, require
from projects.models import Project
from projects.web.context import Tab, project_page

TABS = {
    "general": "General",
    "repository": "Repository",
    "stores": "Data stores",  # served by the higher app, whose routes come first
    "retention": "Retention",  # so is this
    "variables": "Environment variables",
    "collaborators": "Collaborators",
    "audit": "Audit log",
    "administration": "Administration",
}


def settings_page(request: HttpRequest, owner: str, project: str, tab: str) -> dict[str, Any]:
    """The context of a tab; `Forbidden` for those who see the project but do not administer it."""
    context = project_page(request, owner, project, "settings")
    found: Project = context["project"]
    require(user_of(request), Capability.ADMINISTER, found)
    return context | {
        "settings_tabs": [Tab(name, label, tab_url(found, name)) for name, label in TABS.items()],
        "settings_tab": tab,
        "repository": getattr(found, "repository", None),
    }


def tab_url(project: Project, tab: str) -> str:
    return reverse(
        "project_settings", kwargs={"owner": project.owner.name, "project": project.name, "tab": tab}
    )


def to_tab(project: Project, tab: str) -> HttpResponse:
    return redirect(tab_url(project, tab))
