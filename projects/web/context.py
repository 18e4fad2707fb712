"""What every page of a project shows: its name, its tabs, and what the user may do."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.current import user_of
from accounts.models import User
from organizations.access import Capability, capabilities
from projects import members, selectors
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
    rights = rights_in(found, user_of(request))
    return {
        "project": found,
        "active_tab": active_tab,
        "project_tabs": project_tabs(found, administers=rights["may_administer"]),
        "has_repository": bool(getattr(found, "repository", None) and found.repository.url),
        **rights,
    }


def rights_in(project: Project, user: User) -> dict[str, Any]:
    """What the pages ask before they show a control; for those who only look, also why."""
    granted = capabilities(user, project)
    member = None if Capability.RUN in granted else members.member_of(project, user)
    return {
        "may_run": Capability.RUN in granted,
        "may_edit": Capability.EDIT in granted,
        "may_administer": Capability.ADMINISTER in granted,
        "why_read_only": ", ".join(reason.text for reason in member.reasons) if member else "",
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
