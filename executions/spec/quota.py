"""Whose quota an execution counts against."""

from accounts.models import User
from environments.models import Environment
from environments.places import quota_team
from environments.quotas import team_quotas
from environments.types import BLOCKED
from executions.spec.faults import Faults
from organizations.models import Team
from projects.models import Project


def choose_quota_team(
    *, actor: User, project: Project, environment: Environment, faults: Faults
) -> Team | None:
    """Whose place the execution will take. A team that is blocked now is told so at once instead of waiting for ever."""
    team = quota_team(user=actor, project=project, environment=environment)
    if team and team_quotas([environment])[environment.pk].of(team.pk) == BLOCKED:
        faults.add(
            "environment",
            f"Environment '{environment.slug}' is not available to the team '{team.name}': its quota there is 0. "
            "Ask an owner of the organization to raise it, or choose another environment.",
            "not_available",
        )
    return team
