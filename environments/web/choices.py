"""Environments as choices of a form."""

from accounts.models import User
from environments.selectors import environments_for_project
from projects.models import Project


def environment_choices(user: User, project: Project) -> list[tuple[str, str]]:
    return [
        (environment.slug, f"{environment.name} ({environment.slug})")
        for environment in environments_for_project(user, project).usable
    ]
