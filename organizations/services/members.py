"""Who belongs to an organization, and as what."""

from collections.abc import Callable

from django.db import transaction

from accounts.models import User
from audit.services import record
from organizations import access_changes
from organizations.errors import AlreadyMember, LastOwner, NotAMember, RoleRefused
from organizations.models import Organization, OrganizationMembership, TeamMembership
from organizations.services.rights import hold, hold_and_require

Role = OrganizationMembership.Role

member_removed: list[Callable[[Organization, User, User], None]] = []
"""Higher apps append a function that is given the organization, the user who is no longer a member, and who removed them.
It is called in the transaction and ends what else the user had there."""


@transaction.atomic
def add_member(
    *, organization: Organization, actor: User, user: User, role: str = Role.MEMBER
) -> OrganizationMembership:
    """Make `user` a member, or change the role that they have. Raises `LastOwner`."""
    hold_and_require(actor, organization)
    if OrganizationMembership.objects.filter(organization=organization, user=user).exists():
        return change_role(organization=organization, actor=actor, user=user, role=role)
    return join(organization, user, role, actor=actor)


def join(organization: Organization, user: User, role: str, *, actor: User) -> OrganizationMembership:
    """A new membership. The caller holds the organization and knows that it may be. Raises `AlreadyMember`."""
    membership, created = OrganizationMembership.objects.get_or_create(
        organization=organization, user=user, defaults={"role": checked_role(role)}
    )
    if not created:
        raise AlreadyMember(user, organization)
    record("member.added", actor=actor, target=membership, after={"role": membership.role})
    access_changes.announce([user.pk])
    return membership


@transaction.atomic
def change_role(*, organization: Organization, actor: User, user: User, role: str) -> OrganizationMembership:
    """Raises `NotAMember`, `RoleRefused` or `LastOwner`."""
    hold_and_require(actor, organization)
    membership = _membership(organization, user)
    before, membership.role = membership.role, checked_role(role)
    if before == membership.role:
        return membership
    if before == Role.OWNER:
        _keep_an_owner(organization, without=user)
    membership.save(update_fields=["role", "updated_at"])
    record(
        "member.role_changed",
        actor=actor,
        target=membership,
        before={"role": before},
        after={"role": membership.role},
    )
    access_changes.announce([user.pk])
    return membership


@transaction.atomic
def remove_member(*, organization: Organization, actor: User, user: User) -> None:
    """Out of the organization and of all that it owns, at once. What they ran stays. Raises `NotAMember`, `LastOwner`."""
    hold_and_require(actor, organization)
    _end(organization, user, actor=actor, kind="member.removed")


@transaction.atomic
def leave(*, organization: Organization, user: User) -> None:
    """As `remove_member`, by the member themself, who needs no right for it. Raises `NotAMember`, `LastOwner`."""
    hold(organization)
    _end(organization, user, actor=user, kind="member.left")


def checked_role(role: str) -> str:
    if role not in Role.values:
        raise RoleRefused(role, Role.values)
    return role


def _end(organization: Organization, user: User, *, actor: User, kind: str) -> None:
    membership = _membership(organization, user)
    if membership.role == Role.OWNER:
        _keep_an_owner(organization, without=user)
    teams = TeamMembership.objects.filter(team__organization=organization, user=user).select_related("team")
    record(
        kind,
        actor=actor,
        target=membership,
        before={"role": membership.role, "teams": sorted(row.team.name for row in teams)},
    )
    for also_end in member_removed:
        also_end(organization, user, actor)
    teams.delete()
    membership.delete()
    access_changes.announce([user.pk])


def _membership(organization: Organization, user: User) -> OrganizationMembership:
    membership = (
        OrganizationMembership.objects.filter(organization=organization, user=user)
        .select_related("user", "organization__owner")
        .first()
    )
    if membership is None:
        raise NotAMember(user, organization)
    return membership


def _keep_an_owner(organization: Organization, *, without: User) -> None:
    """Raise `LastOwner` if nobody but `without` could still decide: a disabled account cannot."""
    owners = OrganizationMembership.objects.filter(
        organization=organization, role=Role.OWNER, user__is_active=True
    )
    if not owners.exclude(user=without).exists():
        raise LastOwner(without, organization)
