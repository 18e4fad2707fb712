"""What every page of a project shows: its name, its tabs, and what the user may do."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.current import user_of
from organizations.access import Capability, capabilities
from projects import selectors
from projects.models import Project


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    url: str
    icon: str = ""
    count: int | None = None


def project_page(request: HttpRequest, owner: str, project: str, active_tab: str) -> dict[str, Any]:
    """The context of a project page; `NotFound` when there is no such project or the user may not see it."""
    found = selectors.get_project_by_name(user_of(request), owner, project)
    granted = capabilities(user_of(request), found)
    return {
        "project": found,
        "active_tab": active_tab,
        "project_tabs": project_tabs(found, administers=Capability.ADMINISTER in granted),
        "has_repository": bool(getattr(found, "repository", None) and found.repository.url),
        "may_run": Capability.RUN in granted,
        "may_edit": Capability.EDIT in granted,
        "may_administer": Capability.ADMINISTER in granted,
    }


def project_tabs(project: Project, *, administers: bool) -> list[Tab]:
    names = {"owner": project.owner.name, "project": project.name}
    tabs = [
        Tab("executions", "Executions", reverse("project", kwargs=names), "player-play"),
        Tab("commits", "Commits", reverse("commits", kwargs=names), "git-commit"),
        Tab("data", "Data", reverse("project_data", kwargs=names), "database"),
    ]
    if administers:
        settings_url = reverse("project_settings", kwargs={**names, "tab": "general"})
        tabs.append(Tab("settings", "Settings", settings_url, "settings"))
    return tabs
