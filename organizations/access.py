"""The one permission vocabulary: who may see and do what.

Roles come from ownership (a user owns their own things), organization membership, team membership and collaboration
on one project; rights add up. Every selector starts from `visible_to` or one of its siblings for things that belong to an
owner; every write asks `require` or `require_in`. What a user may not see is a 404, what they see but may not do is a 403.

A membership counts only while the organization's rules are kept: where two factors are required, whoever has not set up a
second one is a stranger to everything of the organization.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.models import User
from common.errors import DomainError
from organizations.models import Organization, OrganizationMembership, TeamMembership

if TYPE_CHECKING:
    from projects.models import Project

Role = OrganizationMembership.Role


class Capability(StrEnum):
    VIEW = "view"
    RUN = "run"  # create, copy, stop executions; upload data
    EDIT = "edit"  # tags, titles, aliases, deletion of executions and data
    ADMINISTER = "administer"  # settings, members, variables, deletion of the thing itself


EVERYTHING = frozenset(Capability)
WORKING = frozenset({Capability.VIEW, Capability.RUN, Capability.EDIT})
LOOKING = frozenset({Capability.VIEW})
NOTHING: frozenset[Capability] = frozenset()

OF_ROLE: dict[str, frozenset[Capability]] = {
    Role.OWNER: EVERYTHING,
    Role.MEMBER: WORKING,
    Role.VIEWER: LOOKING,
}


class Forbidden(DomainError):
    """The user sees the thing but may not do this to it."""

    code = "forbidden"
    http_status = 403

    def __init__(self, capability: Capability, thing: object) -> None:
        super().__init__(f"You may not {capability} {thing}. Ask an administrator of it for access.")


_HAS_2FA = Q(user__totp_device__confirmed_at__isnull=False)


def memberships_of(user: User) -> QuerySet[OrganizationMembership]:
    """The memberships in organizations that count."""
    return OrganizationMembership.objects.filter(
        Q(organization__require_2fa=False) | _HAS_2FA, user=user, user__is_active=True
    )


def memberships_shut(user: User) -> QuerySet[OrganizationMembership]:
    """The memberships that will count once the user has set up a second factor."""
    return OrganizationMembership.objects.filter(user=user, organization__require_2fa=True).exclude(
        user__totp_device__confirmed_at__isnull=False
    )


def team_memberships_of(user: User) -> QuerySet[TeamMembership]:
    """The memberships in teams that count."""
    return TeamMembership.objects.filter(
        Q(team__organization__require_2fa=False) | _HAS_2FA, user=user, user__is_active=True
    )


def collaborations_of(user: User) -> QuerySet[Any]:
    """The collaborations on single projects that count."""
    return user.collaborations.filter(
        Q(project__owner__organization__isnull=True)
        | Q(project__owner__organization__require_2fa=False)
        | _HAS_2FA
    )


def visible_to(user: User | AnonymousUser, via: str = "") -> Q:
    """The filter that keeps what `user` may see of projects and of what is in them.

    `via` is the path from the filtered model to `Project` ("" when it is the project itself, "project" for an
    execution). Conditions are subqueries on the user's own memberships, so that the cost does not grow with the number
    of tenants and no row appears twice.
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    prefix = f"{via}__" if via else ""
    memberships = memberships_of(user)
    return (
        Q(**{f"{prefix}owner_id": user.pk})
        | Q(
            **{
                f"{prefix}owner_id__in": memberships.values("organization_id"),
                f"{prefix}team__isnull": True,
            }
        )
        | Q(**{f"{prefix}owner_id__in": memberships.filter(role=Role.OWNER).values("organization_id")})
        | Q(**{f"{prefix}team_id__in": team_memberships_of(user).values("team_id")})
        | Q(**{f"{prefix}id__in": collaborations_of(user).values("project_id")})
    )


def organizations_of(user: User | AnonymousUser, path: str) -> Q:
    """The filter that keeps rows whose column `path` (such as "owner_id") names an organization of the user."""
    return _by_membership(user, path)


def administered_by(user: User | AnonymousUser, path: str) -> Q:
    """The filter that keeps rows whose column `path` names an organization that the user owns; all for a superuser."""
    return _by_membership(user, path, role=Role.OWNER)


def _by_membership(user: User | AnonymousUser, path: str, **role: str) -> Q:
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    return Q(**{f"{path}__in": memberships_of(user).filter(**role).values("organization_id")})


def capabilities(user: User | AnonymousUser, project: "Project") -> frozenset[Capability]:
    """What `user` may do in `project`; empty when they may not even see it."""
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    if user.is_superuser or project.owner_id == user.pk:
        return EVERYTHING
    role = _role(user, project.owner_id)
    granted = _by_role(role, project) | _by_team(user, project) | _by_collaboration(user, project)
    made_it = project.creator_id == user.pk and role is not None
    return EVERYTHING if made_it and Capability.RUN in granted else granted


def _by_role(role: str | None, project: "Project") -> frozenset[Capability]:
    """An owner of the organization does everything; what belongs to a team is not there for others."""
    if role is None or (project.team_id is not None and role != Role.OWNER):
        return NOTHING
    return OF_ROLE[role]


def _by_team(user: User, project: "Project") -> frozenset[Capability]:
    membership = (
        team_memberships_of(user).filter(team_id=project.team_id).first() if project.team_id else None
    )
    if membership is None:
        return NOTHING
    if membership.allow_project_administration:
        return EVERYTHING
    return LOOKING if membership.is_read_only else WORKING


def _by_collaboration(user: User, project: "Project") -> frozenset[Capability]:
    collaboration = collaborations_of(user).filter(project=project).first()
    if collaboration is None:
        return NOTHING
    return LOOKING if collaboration.is_read_only else WORKING


def _role(user: User, organization_id: int) -> str | None:
    return memberships_of(user).filter(organization_id=organization_id).values_list("role", flat=True).first()


def may(user: User | AnonymousUser, capability: Capability, project: "Project") -> bool:
    return capability in capabilities(user, project)


def require(user: User | AnonymousUser, capability: Capability, project: "Project") -> None:
    """Raise `Forbidden` unless `user` may do this in `project`."""
    if not may(user, capability, project):
        raise Forbidden(capability, project)


def capabilities_in(user: User | AnonymousUser, organization: Organization) -> frozenset[Capability]:
    """What `user` may do in the organization itself: ADMINISTER is its owners', the rest its members'."""
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    if user.is_superuser:
        return EVERYTHING
    role = _role(user, organization.pk)
    return OF_ROLE[role] if role else NOTHING


def require_in(user: User | AnonymousUser, capability: Capability, organization: Organization) -> None:
    """Raise `Forbidden` unless `user` may do this in the organization."""
    if capability not in capabilities_in(user, organization):
        raise Forbidden(capability, organization)
