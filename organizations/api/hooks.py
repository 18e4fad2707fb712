"""What higher apps add to answers about organizations and teams; they append a function when they start."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request

from organizations.models import Team

team_projects: list[Callable[[Team, Request], list[dict[str, Any]]]] = []
"""Each returns rows of the projects that the team owns, as far as the caller may see them."""
