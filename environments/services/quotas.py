"""How many executions at once each team may have in an environment."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from audit.services import record_change
from environments import checks
from environments.access import require_management
from environments.errors import TeamRefused
from environments.models import Environment, TeamPlace
from organizations.models import Team


@transaction.atomic
def set_team_quotas(*, environment: Environment, actor: User, quotas: Mapping[Team, int | None]) -> None:
    """Exactly these teams have a place afterwards: None without a limit of its own, 0 blocks the team.

    Raises `EnvironmentNotChangeable`, `TeamRefused` or `FieldsRefused`.
    """
    row = _locked(environment, actor)
    for team, quota in quotas.items():
        _check(row, team, quota)
    before = _quotas(row)
    row.team_places.exclude(team__in=list(quotas)).delete()
    for team, quota in quotas.items():
        TeamPlace.objects.update_or_create(environment=row, team=team, defaults={"max_running": quota})
    _record(row, actor, before, teams=quotas)


@transaction.atomic
def set_team_quota(
    *, environment: Environment, actor: User, team: Team, has_place: bool, quota: int | None = None
) -> None:
    """The place of one team. Without one, its members do not run on an environment that is restricted to teams."""
    row = _locked(environment, actor)
    _check(row, team, quota)
    before = _quotas(row)
    if has_place:
        TeamPlace.objects.update_or_create(environment=row, team=team, defaults={"max_running": quota})
    else:
        row.team_places.filter(team=team).delete()
    _record(row, actor, before, teams=[team])


def _locked(environment: Environment, actor: User) -> Environment:
    row = (
        Environment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner__organization")
        .get(pk=environment.pk)
    )
    require_management(actor, row)
    return row


def _check(environment: Environment, team: Team, quota: int | None) -> None:
    """Teams of the owner; what is everybody's can have places of any team."""
    if environment.owner_id is not None and team.organization_id != environment.owner_id:
        raise TeamRefused(team, environment.owner)
    checks.check_quota(quota)


def _quotas(environment: Environment) -> dict[str, int | str]:
    places = environment.team_places.select_related("team").order_by("team__name")
    return {
        place.team.name: "no limit" if place.max_running is None else place.max_running for place in places
    }


def _record(
    environment: Environment,
    actor: User,
    before: dict[str, int | str],
    teams: Mapping[Team, object] | list[Team],
) -> None:
    record_change(
        "environment.team_quotas_changed",
        actor=actor,
        target=environment,
        before={"teams": before},
        after={"teams": _quotas(environment)},
        also_for={team.organization_id for team in teams},
    )
