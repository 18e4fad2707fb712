"""Why an environment cannot be used by somebody in a project, in words with the remedy. Pure: it decides on facts.

`environments.selectors.standing_of` reads the facts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from environments.models import Environment


@dataclass(frozen=True)
class Place:
    """What a team may use of an environment: executions at once, None without a limit."""

    team: str
    max_running: int | None


@dataclass(frozen=True)
class Standing:
    """Somebody who wants to run in a project, as far as it matters where they may."""

    user_id: int
    owner_id: int
    """Of the project."""
    is_personal: bool
    """The project belongs to a user, not to an organization."""
    organization_ids: frozenset[int] = frozenset()
    """Where the user works, and does not only look."""
    project_team: str | None = None
    team_ids: frozenset[UUID] = frozenset()
    """The teams that count: the project's, or, when it has none, the user's."""
    places: Mapping[UUID, Sequence[Place]] = field(default_factory=dict)
    """Of these teams, by environment."""


def why_unavailable(environment: "Environment", standing: Standing) -> str | None:
    """The first reason in the order of `REASONS`; None: it can be used."""
    found = (reason(environment, standing) for reason in REASONS)
    return next((text for text in found if text), None)


def _switched_off(environment: "Environment", standing: Standing) -> str | None:
    if environment.enabled:
        return None
    return f"It is switched off. {_whom_to_ask(environment)} can enable it."


def _of_somebody_else(environment: "Environment", standing: Standing) -> str | None:
    if environment.owner_id in {None, standing.owner_id, standing.user_id}:
        return None
    if standing.is_personal and environment.owner_id in standing.organization_ids:
        return None
    return (
        f"It belongs to {environment.owner}, and this project does not. Choose another environment, or run in a project of "
        f"{environment.owner}."
    )


def _not_for_personal_projects(environment: "Environment", standing: Standing) -> str | None:
    own = environment.owner_id in {standing.owner_id, standing.user_id}
    if not standing.is_personal or environment.allow_personal_usage or own:
        return None
    where = f"a project of {environment.owner}" if environment.owner else "a project of an organization"
    return f"It is not for personal projects. Run in {where}."


def _of_a_team(environment: "Environment", standing: Standing) -> str | None:
    if environment.team is None or environment.team.pk in standing.team_ids:
        return None
    name = environment.team.name
    return f"It belongs to the team {name}. Run in a project of that team, or ask to join it."


def _of_a_member(environment: "Environment", standing: Standing) -> str | None:
    if environment.member is None or environment.member_id == standing.user_id:
        return None
    return f"It belongs to {environment.member} alone. {_whom_to_ask(environment)} can share it."


def _without_a_place(environment: "Environment", standing: Standing) -> str | None:
    if not environment.restricted_to_teams or environment.team_id or standing.places.get(environment.pk):
        return None
    if standing.project_team:
        lacking = f"the project's team {standing.project_team} has no place in it"
    else:
        lacking = "you are in none that has a place in it"
    return f"It is restricted to teams, and {lacking}. {_whom_to_ask(environment)} can give one."


def _blocked(environment: "Environment", standing: Standing) -> str | None:
    """The most permissive place counts, as in `environments.places.quota_team`."""
    places = standing.places.get(environment.pk, ())
    if not places or any(place.max_running != 0 for place in places):
        return None
    return f"The quota of the team {places[0].team} in it is 0. {_whom_to_ask(environment)} can raise it."


REASONS: tuple[Callable[["Environment", Standing], str | None], ...] = (
    _switched_off,
    _of_somebody_else,
    _not_for_personal_projects,
    _of_a_team,
    _of_a_member,
    _without_a_place,
    _blocked,
)


def _whom_to_ask(environment: "Environment") -> str:
    return f"An owner of {environment.owner}" if environment.owner else "The operator of the installation"
