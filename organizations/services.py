"""Writes of organizations: who belongs to which, and in which teams. Superusers and owners of the organization decide."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import OWNER_NAME, Owner, User
from organizations.access import Capability, require_in
from organizations.errors import LastOwner, NameRefused, NotAMember, NotSuperuser
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership

Role = OrganizationMembership.Role

settings_checks: list[Callable[[Organization, dict[str, Any]], None]] = []
"""Higher apps append a function that raises a `DomainError` for a changed setting that the organization cannot have, such as
a default environment that its projects may not use."""

_LONGEST_TEAM_NAME = 64


def create_organization(*, actor: User, name: str, first_owner: User | None = None) -> Organization:
    """A new organization, whose first owner is `first_owner` or else the actor. Raises `NameRefused`."""
    if not actor.is_superuser:
        raise NotSuperuser
    try:
        OWNER_NAME(name)
    except ValidationError as error:
        raise NameRefused(error.messages[0]) from error
    try:
        with transaction.atomic():
            owner = Owner.objects.create(name=name, kind=Owner.Kind.ORGANIZATION)
            organization = Organization.objects.create(owner=owner)
            OrganizationMembership.objects.create(
                organization=organization, user=first_owner or actor, role=Role.OWNER
            )
    except IntegrityError as error:
        message = f"A user or organization called '{name}' exists already. Choose another name."
        raise NameRefused(message, code="unique") from error
    return organization


@transaction.atomic
def add_member(
    *, organization: Organization, actor: User, user: User, role: str = Role.MEMBER
) -> OrganizationMembership:
    """Make `user` a member, or change the role that they have. Raises `LastOwner`."""
    require_in(actor, Capability.ADMINISTER, organization)
    if role != Role.OWNER:
        _keep_an_owner(organization, without=user)
    membership, _ = OrganizationMembership.objects.update_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    return membership


@transaction.atomic
def remove_member(*, organization: Organization, actor: User, user: User) -> None:
    """Out of the organization and of all its teams. What they ran stays. Raises `LastOwner`."""
    require_in(actor, Capability.ADMINISTER, organization)
    _keep_an_owner(organization, without=user)
    TeamMembership.objects.filter(team__organization=organization, user=user).delete()
    OrganizationMembership.objects.filter(organization=organization, user=user).delete()


def create_team(*, organization: Organization, actor: User, name: str) -> Team:
    """Raises `NameRefused`."""
    require_in(actor, Capability.ADMINISTER, organization)
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_TEAM_NAME or not name.isprintable():
        raise NameRefused(f"Use 1 to {_LONGEST_TEAM_NAME} printable characters.")
    try:
        with transaction.atomic():
            return Team.objects.create(organization=organization, name=name)
    except IntegrityError as error:
        raise NameRefused(f"{organization} already has a team called '{name}'.", code="unique") from error


def add_team_member(
    *,
    team: Team,
    actor: User,
    user: User,
    is_read_only: bool = False,
    allow_project_administration: bool = False,
) -> TeamMembership:
    """Put a member of the organization into one of its teams, or change what they may do there."""
    require_in(actor, Capability.ADMINISTER, team.organization)
    if not OrganizationMembership.objects.filter(organization=team.organization, user=user).exists():
        raise NotAMember(user, team.organization)
    rights = {"is_read_only": is_read_only, "allow_project_administration": allow_project_administration}
    membership, _ = TeamMembership.objects.update_or_create(team=team, user=user, defaults=rights)
    return membership


def remove_team_member(*, team: Team, actor: User, user: User) -> None:
    require_in(actor, Capability.ADMINISTER, team.organization)
    TeamMembership.objects.filter(team=team, user=user).delete()


def _keep_an_owner(organization: Organization, *, without: User) -> None:
    """Raise `LastOwner` if nobody but `without` owns the organization; two removals at once queue up here."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    owners = OrganizationMembership.objects.filter(organization=organization, role=Role.OWNER)
    remaining = set(owners.values_list("user_id", flat=True))
    if remaining == {without.pk}:
        raise LastOwner(without, organization)
