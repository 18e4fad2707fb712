"""Choices in an organization's settings that come from higher apps; they append a function when they start."""

from collections.abc import Callable, Iterable

from organizations.models import Organization

environment_choices: list[Callable[[Organization], Iterable[tuple[str, str]]]] = []
"""Each returns (slug, label) of the environments that may be the default of new projects."""
store_choices: list[Callable[[Organization], Iterable[tuple[str, str]]]] = []
"""Each returns (id, label) of the stores that may be the default of new projects."""
