"""The one permission vocabulary: who may see and do what.

Roles come from ownership (a user owns their own things), organization membership, team membership and collaboration
on one project. Every selector starts from `visible_to`; every write asks `require`. What a user may not see is a 404,
what they see but may not do is a 403.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import User
from common.errors import DomainError
from organizations.models import OrganizationMembership, TeamMembership

if TYPE_CHECKING:
    from projects.models import Project


class Capability(StrEnum):
    VIEW = "view"
    RUN = "run"  # create, copy, stop executions; upload data
    EDIT = "edit"  # tags, titles, aliases, deletion of executions and data
    ADMINISTER = "administer"  # settings, repository, variables, deletion of the project


class Forbidden(DomainError):
    """The user sees the thing but may not do this to it."""

    code = "forbidden"
    http_status = 403

    def __init__(self, capability: Capability, thing: object) -> None:
        super().__init__(f"You may not {capability} {thing}. Ask an administrator of the project for access.")


def visible_to(user: User | AnonymousUser, via: str = "") -> Q:
    """The filter that keeps what `user` may see.

    `via` is the path from the filtered model to `Project` ("" when it is the project itself, "project" for an
    execution). Conditions are subqueries on the user's own memberships, so that the cost does not grow with the number
    of tenants and no row appears twice.
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    prefix = f"{via}__" if via else ""
    organizations = OrganizationMembership.objects.filter(user=user).values("organization_id")
    teams = TeamMembership.objects.filter(user=user).values("team_id")
    owned_organizations = OrganizationMembership.objects.filter(
        user=user, role=OrganizationMembership.Role.OWNER
    ).values("organization_id")
    return (
        Q(**{f"{prefix}owner_id": user.pk})
        | Q(**{f"{prefix}owner_id__in": organizations, f"{prefix}team__isnull": True})
        | Q(**{f"{prefix}owner_id__in": owned_organizations})
        | Q(**{f"{prefix}team_id__in": teams})
        | Q(**{f"{prefix}id__in": user.collaborations.values("project_id")})
    )


def capabilities(user: User | AnonymousUser, project: "Project") -> frozenset[Capability]:
    """What `user` may do in `project`; empty when they may not even see it."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    everything = frozenset(Capability)
    if user.is_superuser or project.owner_id == user.pk:
        return everything
    organization_role = _organization_role(user, project.owner_id)
    if organization_role == OrganizationMembership.Role.OWNER:
        return everything
    working = frozenset({Capability.VIEW, Capability.RUN, Capability.EDIT})
    granted: frozenset[Capability] = frozenset()
    if organization_role and project.team_id is None:
        granted |= everything
    if project.team_id is not None:
        membership = TeamMembership.objects.filter(user=user, team_id=project.team_id).first()
        if membership:
            granted |= {Capability.VIEW} if membership.is_read_only else working
            if membership.allow_project_administration:
                granted |= everything
    collaboration = project.collaborators.filter(user=user).first()
    if collaboration:
        granted |= {Capability.VIEW} if collaboration.is_read_only else working
    return granted


def may(user: User | AnonymousUser, capability: Capability, project: "Project") -> bool:
    return capability in capabilities(user, project)


def require(user: User | AnonymousUser, capability: Capability, project: "Project") -> None:
    """Raise `Forbidden` unless `user` may do this in `project`."""
    if not may(user, capability, project):
        raise Forbidden(capability, project)


def _organization_role(user: User, owner_id: int) -> str | None:
    return (
        OrganizationMembership.objects.filter(user=user, organization_id=owner_id)
        .values_list("role", flat=True)
        .first()
    )


def environments_usable_by(user: User | AnonymousUser) -> Q:
    """The filter on `Environment` that keeps what `user` may run on: unowned, their own, or their organization's."""
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q(enabled=True)
    organizations: Any = OrganizationMembership.objects.filter(user=user).values("organization_id")
    return Q(enabled=True) & (Q(owner__isnull=True) | Q(owner_id=user.pk) | Q(owner_id__in=organizations))
