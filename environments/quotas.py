"""Reads the quotas of teams in environments."""

from collections.abc import Iterable
from uuid import UUID

from environments.models import Environment, TeamPlace
from environments.types import TeamQuotas


def team_quotas(environments: Iterable[Environment]) -> dict[UUID, TeamQuotas]:
    """Environment -> the quotas of teams in it; one query. A team needs no place in an environment that belongs to it."""
    by_id = {environment.pk: environment for environment in environments}
    given: dict[UUID, dict[UUID, int | None]] = {
        pk: {environment.team_id: None} if environment.team_id else {} for pk, environment in by_id.items()
    }
    places = TeamPlace.objects.filter(environment_id__in=by_id)
    for environment_id, team_id, quota in places.values_list("environment_id", "team_id", "max_running"):
        given[environment_id][team_id] = quota
    return {pk: TeamQuotas(given[pk], environment.restricted_to_teams) for pk, environment in by_id.items()}
