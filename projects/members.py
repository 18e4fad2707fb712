"""Who has access to one project, and why. The same rules as in `organizations.access`, asked the other way around."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from organizations import invitations
from organizations.access import EVERYTHING, LOOKING, OF_ROLE, WORKING, Capability, Role
from organizations.errors import InvitationNotFound
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects.errors import NotAColleague
from projects.models import Project, ProjectCollaborator, ProjectInvitation


@dataclass(frozen=True)
class Reason:
    """One way in which somebody came to their rights."""

    text: str
    grants: frozenset[Capability]


@dataclass(frozen=True)
class Member:
    user: User
    reasons: list[Reason]

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset().union(*(reason.grants for reason in self.reasons))

    @property
    def level(self) -> str:
        """`administrator`, `member` or `viewer`."""
        if Capability.ADMINISTER in self.capabilities:
            return "administrator"
        return "member" if Capability.RUN in self.capabilities else "viewer"


def users_with_access(project: Project) -> QuerySet[User]:
    """Everybody who sees the project, by name; superusers of the installation, who see all, only if they have a role here.

    Looks at `owner` and `team` of the object, which need not be saved.
    """
    organization = Organization.objects.filter(pk=project.owner_id).first()
    reached = Q(pk=project.owner_id)
    reached |= Q(pk__in=ProjectCollaborator.objects.filter(project_id=project.pk).values("user_id"))
    if organization is not None:
        memberships = OrganizationMembership.objects.filter(organization=organization)
        if project.team_id is not None:
            memberships = memberships.filter(role=Role.OWNER)
            reached |= Q(pk__in=TeamMembership.objects.filter(team_id=project.team_id).values("user_id"))
        reached |= Q(pk__in=memberships.values("user_id"))
    users = User.objects.filter(reached, is_active=True).order_by("username")
    if organization is not None and organization.require_2fa:
        users = users.filter(totp_device__confirmed_at__isnull=False)
    return users


def member_of(project: Project, user: User) -> Member | None:
    """None when the user has no role here."""
    return next(iter(members_among(project, users_with_access(project).filter(pk=user.pk))), None)


def members_among(project: Project, users: Iterable[User]) -> list[Member]:
    """Of users who have access, why they have it. The same number of queries for any number of users."""
    listed = list(users)
    ids = [user.pk for user in listed]
    reasons: dict[int, list[Reason]] = defaultdict(list)
    roles = OrganizationMembership.objects.filter(organization_id=project.owner_id, user_id__in=ids)
    for membership in roles:
        # What belongs to a team is not there for others, an owner of the organization aside.
        if project.team_id is None or membership.role == Role.OWNER:
            grants = OF_ROLE[membership.role]
            reasons[membership.user_id].append(Reason(f"{membership.role} of {project.owner}", grants))
    if project.team is not None:
        for place in TeamMembership.objects.filter(team=project.team, user_id__in=ids):
            reasons[place.user_id].append(_by_team(place, project.team))
    for collaborator in ProjectCollaborator.objects.filter(project=project, user_id__in=ids):
        reasons[collaborator.user_id].append(_by_collaboration(collaborator))
    made_it = next((place.user_id for place in roles if place.user_id == project.creator_id), None)
    if made_it is not None and any(Capability.RUN in reason.grants for reason in reasons[made_it]):
        reasons[made_it].append(Reason("created the project", EVERYTHING))
    if project.owner_id in ids:
        reasons[project.owner_id].insert(0, Reason("owns the project", EVERYTHING))
    return [Member(user, reasons[user.pk]) for user in listed]


def collaborators_of(project: Project) -> QuerySet[ProjectCollaborator]:
    return project.collaborators.select_related("user").order_by("user__username")


def pending_invitations(project: Project) -> QuerySet[ProjectInvitation]:
    return invitations.pending(project.invitations.select_related("inviter"))


def get_invitation(project: Project, invitation_id: UUID) -> ProjectInvitation:
    """Raises `InvitationNotFound`."""
    found = project.invitations.select_related("project__owner", "inviter").filter(pk=invitation_id).first()
    if found is None:
        raise InvitationNotFound(invitation_id)
    return found


def colleague(project: Project, username: str) -> User:
    """The member of the organization that owns the project who is called so. Raises `CollaboratorRefused`."""
    named = User.objects.filter(username__iexact=username, memberships__organization_id=project.owner_id)
    found = named.first() if "\0" not in username else None
    if found is None:
        raise NotAColleague(username.replace("\0", ""), project.owner)
    return found


def colleagues_without_access(project: Project) -> QuerySet[User]:
    """Members of the organization that owns the project to whom a collaboration would give something, by name."""
    places = OrganizationMembership.objects.filter(organization_id=project.owner_id).exclude(role=Role.OWNER)
    working = Q(pk__in=project.collaborators.values("user_id"))
    if project.team_id is None:
        places = places.filter(role=Role.VIEWER)
    else:
        rights = Q(is_read_only=False) | Q(allow_project_administration=True)
        in_team = TeamMembership.objects.filter(rights, team_id=project.team_id)
        working |= Q(pk__in=in_team.values("user_id"))
    users = User.objects.filter(pk__in=places.values("user_id"), is_active=True)
    return users.exclude(working).order_by("username")


def _by_team(place: TeamMembership, team: Team) -> Reason:
    if place.allow_project_administration:
        return Reason(f"project administrator in the team {team.name}", EVERYTHING)
    if place.is_read_only:
        return Reason(f"read-only member of the team {team.name}", LOOKING)
    return Reason(f"member of the team {team.name}", WORKING)


def _by_collaboration(collaborator: ProjectCollaborator) -> Reason:
    if collaborator.is_read_only:
        return Reason("viewing collaborator", LOOKING)
    return Reason("collaborator", WORKING)
