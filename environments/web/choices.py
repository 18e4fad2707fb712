"""Environments as choices of a form."""

from accounts.models import User
from environments.selectors import environments_for_project, usable_by_projects_of
from organizations.models import Organization
from projects.models import Project


def environment_choices(user: User, project: Project) -> list[tuple[str, str]]:
    return [
        (environment.slug, f"{environment.name} ({environment.slug})")
        for environment in environments_for_project(user, project).usable
    ]


def default_choices(organization: Organization) -> list[tuple[str, str]]:
    """What may be the default of new projects of the organization."""
    return [
        (environment.slug, f"{environment.name} ({environment.slug})")
        for environment in usable_by_projects_of(organization)
    ]
