"""Environments as defaults: of a project, and of the new projects of an organization."""

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from environments.errors import DefaultRefused, EnvironmentNotAvailable, EnvironmentNotFound
from environments.selectors import resolve_environment, usable_by_projects_of
from organizations.models import Organization
from projects.models import Project

_FIELD = "default_environment_slug"


def check_default_of_project(project: Project, actor: User, changed: Mapping[str, Any]) -> None:
    """Raises `DefaultRefused` for an environment that whoever chooses it may not use there."""
    slug = changed.get(_FIELD)
    if not slug:
        return
    try:
        project.default_environment_slug = resolve_environment(actor, slug, project).slug
    except (EnvironmentNotFound, EnvironmentNotAvailable) as error:
        raise DefaultRefused(error.message, code=error.code) from error


def check_default_of_organization(organization: Organization, changed: dict[str, Any]) -> None:
    """Raises `DefaultRefused` for an environment that projects of the organization could not use."""
    slug = changed.get(_FIELD)
    usable = usable_by_projects_of(organization)
    if slug and ("\0" in slug or not usable.filter(slug=slug).exists()):
        named = slug.replace("\0", "")
        raise DefaultRefused(
            f"'{named}' is no environment that projects of {organization} can use. Choose an enabled one that belongs to no "
            "team and no member.",
            field=_FIELD,
            code="does_not_exist",
        )
