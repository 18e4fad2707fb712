"""Reads of organizations and teams."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from common.errors import NotFound
from organizations.models import Organization, Team


class TeamNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no team '{reference}' that you can see.")


def organizations_for(user: User) -> QuerySet[Organization]:
    organizations = Organization.objects.select_related("owner").order_by("owner__name")
    if user.is_superuser:
        return organizations
    return organizations.filter(pk__in=user.memberships.values("organization_id"))


def teams_for(user: User) -> QuerySet[Team]:
    """The teams of the organizations that the user belongs to."""
    return Team.objects.filter(organization__in=organizations_for(user)).select_related("organization__owner")


def get_team(user: User, team_id: UUID) -> Team:
    team = teams_for(user).filter(pk=team_id).first()
    if team is None:
        raise TeamNotFound(team_id)
    return team
