"""The places of teams in environments: whose quota a run counts against, and where somebody may run by their teams.

The quota of a team is the number of its executions at once. docs/quotas.md says how the scheduler keeps it.
"""

from django.db.models import F, QuerySet

from accounts.models import Owner, User
from environments.models import Environment, TeamPlace
from organizations.access import team_memberships_of
from organizations.models import Team
from projects.models import Project


def quota_team(*, user: User, project: Project, environment: Environment) -> Team | None:
    """The team whose quota a run of `user` counts against; None: no team's.

    A project that belongs to a team uses its team's places, whoever runs. In other projects the most permissive of the
    user's teams counts that have a place in the environment: without a limit, else with the highest one.
    """
    if project.team_id is not None:
        return project.team
    best = (
        places_of(user, project)
        .filter(environment=environment)
        .order_by(F("max_running").desc(nulls_first=True), "team__name", "team_id")
        .first()
    )
    return best.team if best else None


def places_of(user: User, project: Project) -> QuerySet[TeamPlace]:
    """The places that runs of `user` in `project` can use: the project's team's, else those of the user's teams.

    In a project of an organization only its own teams count: nobody uses up another organization's quota there.
    """
    places = TeamPlace.objects.select_related("team")
    if project.team_id is not None:
        return places.filter(team_id=project.team_id)
    own = places.filter(team_id__in=team_memberships_of(user).values("team_id"))
    if project.owner.kind == Owner.Kind.USER:
        return own
    return own.filter(team__organization_id=project.owner_id)
