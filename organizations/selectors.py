"""Reads of organizations and teams. Members see them; a superuser sees all; to anybody else they do not exist."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import TotpDevice, User
from organizations import invitations
from organizations.access import (
    Capability,
    administered_by,
    memberships_shut,
    organizations_of,
    require_in,
)
from organizations.errors import (
    InvitationNotFound,
    MemberNotFound,
    OrganizationNotFound,
    TeamNotFound,
    TeamRefused,
)
from organizations.models import Invitation, Organization, OrganizationMembership, Team, TeamMembership

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


def get_administered_organization(user: User | AnonymousUser, organization_id: int) -> Organization:
    """Raises `OrganizationNotFound`, or `Forbidden` for who belongs to it and is no owner."""
    organization = get_organization(user, organization_id)
    require_in(user, Capability.ADMINISTER, organization)
    return organization


def get_organization_by_name(user: User | AnonymousUser, name: str) -> Organization:
    named = organizations_for(user).filter(owner__name__iexact=name) if "\0" not in name else None
    found = named.first() if named is not None else None
    if found is None:
        raise OrganizationNotFound(name.replace("\0", ""))
    return found


def organization_named(user: User | AnonymousUser, reference: int | str) -> Organization:
    """By id, by its digits, or by name. Raises `OrganizationNotFound`."""
    text = str(reference)
    if text.isascii() and text.isdigit() and len(text) < len(str(_LARGEST_ID)):
        by_id = organizations_for(user).filter(pk=int(text)).first()
        if by_id is not None:
            return by_id
    return get_organization_by_name(user, text)


def own_memberships(user: User) -> QuerySet[OrganizationMembership]:
    """All of the user's, by the name of the organization; those too that wait for a second factor."""
    memberships = OrganizationMembership.objects.filter(user=user).select_related("organization__owner")
    return memberships.order_by("organization__owner__name")


def shut_organizations(user: User) -> QuerySet[OrganizationMembership, int]:
    """Ids of those that want a second factor first."""
    return memberships_shut(user).values_list("organization_id", flat=True)


def get_own_membership(user: User, name: str) -> OrganizationMembership:
    """Also where a second factor is missing. Raises `OrganizationNotFound`."""
    named = name.replace("\0", "")
    found = own_memberships(user).filter(organization__owner__name__iexact=named).first()
    if found is None:
        raise OrganizationNotFound(named)
    return found


def members_of(organization: Organization) -> QuerySet[OrganizationMembership]:
    """By name, each with `has_2fa` and its user's `teams_here` (team memberships in this organization)."""
    here = TeamMembership.objects.filter(team__organization=organization).select_related("team")
    confirmed = TotpDevice.objects.filter(user_id=OuterRef("user_id"), confirmed_at__isnull=False)
    return (
        OrganizationMembership.objects.filter(organization=organization)
        .select_related("user", "organization__owner")
        .annotate(has_2fa=Exists(confirmed))
        .prefetch_related(
            Prefetch("user__team_memberships", here.order_by("team__name"), to_attr="teams_here")
        )
        .order_by("user__username", "pk")
    )


def search_members(
    members: QuerySet[OrganizationMembership], text: str, *, in_addresses: bool
) -> QuerySet[OrganizationMembership]:
    """Those whose name contains the text, or whose e-mail address does, for whoever may see addresses."""
    found = Q(user__username__icontains=text)
    found |= Q(user__first_name__icontains=text) | Q(user__last_name__icontains=text)
    if in_addresses:
        found |= Q(user__email__icontains=text)
    return members.filter(found)


def get_member(organization: Organization, user_id: int) -> OrganizationMembership:
    """Raises `MemberNotFound`."""
    found = members_of(organization).filter(user_id=user_id).first() if 0 < user_id <= _LARGEST_ID else None
    if found is None:
        raise MemberNotFound(user_id, organization)
    return found


def get_member_by_name(organization: Organization, username: str) -> OrganizationMembership:
    """Raises `MemberNotFound`."""
    name = username.replace("\0", "").strip()
    found = members_of(organization).filter(user__username__iexact=name).first()
    if found is None:
        raise MemberNotFound(f"'{name[:64]}'", organization)
    return found


def without_second_factor(organization: Organization) -> list[int]:
    """Ids of the members who would be shut out if the organization required one."""
    members = OrganizationMembership.objects.filter(organization=organization)
    lacking = members.exclude(user__totp_device__confirmed_at__isnull=False)
    return list(lacking.values_list("user_id", flat=True))


def teams_for(user: User | AnonymousUser) -> QuerySet[Team]:
    """Every team of the organizations that the user belongs to."""
    return (
        Team.objects.filter(organizations_of(user, "organization_id"))
        .select_related("organization__owner")
        .order_by("name", "pk")
    )


def teams_of(organization: Organization) -> QuerySet[Team]:
    """By name, each with `member_count`."""
    teams = Team.objects.filter(organization=organization).annotate(member_count=Count("memberships"))
    return teams.order_by("name", "pk")


def teams_among(organization: Organization, team_ids: Iterable[UUID | str]) -> list[Team]:
    """The teams of the organization with these ids. Raises `TeamRefused` for the first that is not one of them."""
    wanted = [str(team_id) for team_id in team_ids]
    found = {str(team.pk): team for team in Team.objects.filter(organization=organization, pk__in=wanted)}
    for team_id in wanted:
        if team_id not in found:
            raise TeamRefused(team_id, organization)
    return list(found.values())


def project_counts(organization: Organization) -> dict[UUID, int]:
    """Of each team. Projects belong to a higher app and are reached through their model's relation."""
    teams = Team.objects.filter(organization=organization).order_by()
    return dict(teams.annotate(number=Count("projects")).values_list("pk", "number"))


def get_team(user: User | AnonymousUser, team_id: UUID) -> Team:
    """With its members, by name. Raises `TeamNotFound`."""
    members = TeamMembership.objects.select_related("user").order_by("user__username")
    team = teams_for(user).filter(pk=team_id).prefetch_related(Prefetch("memberships", members)).first()
    if team is None:
        raise TeamNotFound(team_id)
    return team


def pending_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Newest first; expired ones too, which can be sent again."""
    sent = Invitation.objects.filter(organization=organization)
    return (
        invitations.pending(sent).select_related("inviter", "organization__owner").prefetch_related("teams")
    )


def get_invitation(user: User | AnonymousUser, organization: Organization, invitation_id: UUID) -> Invitation:
    """Of an organization that the user owns. Raises `InvitationNotFound`."""
    owned = Invitation.objects.filter(administered_by(user, "organization_id"), organization=organization)
    found = owned.select_related("organization__owner", "inviter").filter(pk=invitation_id).first()
    if found is None:
        raise InvitationNotFound(invitation_id)
    return found
