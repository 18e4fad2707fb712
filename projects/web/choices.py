"""Choices in project settings that come from higher apps; they append a function when they start."""

from collections.abc import Callable, Iterable

from accounts.models import User
from projects.models import Project

environment_choices: list[Callable[[User, Project], Iterable[tuple[str, str]]]] = []
"""Each returns (slug, label) of the environments that the user may choose as the project's default."""
