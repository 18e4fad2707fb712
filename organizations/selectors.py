"""Reads of organizations and teams. Members see them; a superuser sees all; to anybody else they do not exist."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from organizations.access import organizations_of
from organizations.errors import OrganizationNotFound, TeamNotFound
from organizations.models import Organization, Team, TeamMembership

_LARGEST_ID = 2**63 - 1


def organizations_for(user: User | AnonymousUser) -> QuerySet[Organization]:
    """Those that the user belongs to, by name."""
    return (
        Organization.objects.filter(organizations_of(user, "pk"))
        .select_related("owner")
        .order_by("owner__name", "pk")
    )


def get_organization(user: User | AnonymousUser, organization_id: int) -> Organization:
    found = (
        organizations_for(user).filter(pk=organization_id).first()
        if 0 < organization_id <= _LARGEST_ID
        else None
    )
    if found is None:
        raise OrganizationNotFound(organization_id)
    return found


def get_organization_by_name(user: User | AnonymousUser, name: str) -> Organization:
    named = organizations_for(user).filter(owner__name__iexact=name) if "\0" not in name else None
    found = named.first() if named is not None else None
    if found is None:
        raise OrganizationNotFound(name.replace("\0", ""))
    return found


def teams_for(user: User | AnonymousUser) -> QuerySet[Team]:
    """Every team of the organizations that the user belongs to."""
    return (
        Team.objects.filter(organizations_of(user, "organization_id"))
        .select_related("organization__owner")
        .order_by("name", "pk")
    )


def get_team(user: User | AnonymousUser, team_id: UUID) -> Team:
    """With its members, by name. Raises `TeamNotFound`."""
    members = TeamMembership.objects.select_related("user").order_by("user__username")
    team = teams_for(user).filter(pk=team_id).prefetch_related(Prefetch("memberships", members)).first()
    if team is None:
        raise TeamNotFound(team_id)
    return team
