"""Choices in forms about projects. Higher apps append a function to some when they start."""

from collections.abc import Callable, Iterable

from accounts.models import User
from projects import selectors
from projects.models import Project

environment_choices: list[Callable[[User, Project], Iterable[tuple[str, str]]]] = []
"""Each returns (slug, label) of the environments that the user may choose as the project's default."""

OwnerChoices = list[tuple[str, list[tuple[str, str]]]]
"""Groups of (what `resolve_owner` takes, label)."""


def owner_choices(user: User, *, without: str = "") -> OwnerChoices:
    """Whom the user may give a project to, by organization; `without` is left out."""
    groups: OwnerChoices = []
    if not selectors.personal_projects_forbidden(user):
        groups.append(("Personal", [(user.username, f"{user.username} (yourself)")]))
    for organization in selectors.owning_organizations(user):
        name = organization.name
        teams = [(f"{name}:{team}", f"{name} : {team} (team)") for team in organization.teams]
        groups.append((name, [(name, f"{name} (everybody in it)"), *teams]))
    kept = [(label, [choice for choice in choices if choice[0] != without]) for label, choices in groups]
    return [(label, choices) for label, choices in kept if choices]
