"""Environments as choices of a form."""

from accounts.models import User
from environments.selectors import environments_for


def environment_choices(user: User) -> list[tuple[str, str]]:
    return [
        (environment.slug, f"{environment.name} ({environment.slug})")
        for environment in environments_for(user).order_by("name")
    ]
