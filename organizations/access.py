"""The one permission vocabulary: who may see and do what.

Roles come from ownership (a user owns their own things), organization membership, team membership and collaboration
on one project; rights add up. Every selector starts from `visible_to` or one of its siblings for things that belong to an
owner; every write asks `require` or `require_in`. What a user may not see is a 404, what they see but may not do is a 403.

A membership counts only while the organization's rules are kept: where two factors are required, whoever has not set up a
second one is a stranger to everything of the organization.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Case, CharField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

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


_ANYBODY = -1  # nobody's id
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


@dataclass
class Standing:
    """What memberships and collaborations give a user. Those that do not count are not here."""

    roles: dict[int, Role] = field(default_factory=dict)
    """By organization."""
    teams: dict[UUID, frozenset[Capability]] = field(default_factory=dict)
    """What a member may do in the projects of the team."""
    collaborations: dict[UUID, frozenset[Capability]] = field(default_factory=dict)
    """By project."""


def standing_of(user: User) -> Standing:
    """Everything that the user has, by one query."""
    sql, params = _standing_query()
    standing = Standing()
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk if value == _ANYBODY else value for value in params])
        for kind, key, role in cursor.fetchall():
            if kind == "roles":
                standing.roles[int(key)] = Role(role)
            else:
                getattr(standing, kind)[UUID(key)] = OF_ROLE[role]
    return standing


@cache
def _standing_query() -> tuple[str, Sequence[Any]]:
    """Its text and parameters, with `_ANYBODY` where the user's id goes. Every request asks, and to write this takes longer than
    to answer it."""
    user = User(pk=_ANYBODY)
    rows = (
        memberships_of(user)
        .values_list(Value("roles"), _text("organization_id"), "role")
        .union(
            team_memberships_of(user).values_list(Value("teams"), _text("team_id"), _TEAM_ROLE),
            collaborations_of(user).values_list(
                Value("collaborations"), _text("project_id"), _COLLABORATOR_ROLE
            ),
            all=True,
        )
    )
    sql, params = rows.query.sql_with_params()
    return sql, params


def _text(column: str) -> Cast:
    return Cast(column, TextField())


def _role_of(*cases: When) -> Case:
    return Case(*cases, default=Value(Role.MEMBER), output_field=CharField())


_TEAM_ROLE = _role_of(
    When(allow_project_administration=True, then=Value(Role.OWNER)),
    When(is_read_only=True, then=Value(Role.VIEWER)),
)
_COLLABORATOR_ROLE = _role_of(When(is_read_only=True, then=Value(Role.VIEWER)))


def visible_to(user: User | AnonymousUser, via: str = "") -> Q:
    """The filter that keeps what `user` may see of projects and of what is in them.

    `via` is the path from the filtered model to `Project` ("" when it is the project itself, "project" for an
    execution). What the user belongs to is read now, by one query, and named in the filter: the database then knows how
    much that is, and begins with it or with the order of the rows, whichever is less work (docs/scale.md).
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    visible = _visible(user.pk, standing_of(user))
    if not via:
        return visible
    projects: QuerySet[Project] = apps.get_model("projects", "Project")._default_manager.filter(visible)
    return Q(**{f"{via}__in": projects})


def _visible(user_id: int, standing: Standing) -> Q:
    owned = [organization for organization, role in standing.roles.items() if role == Role.OWNER]
    return (
        Q(owner_id__in=[user_id, *owned])
        | Q(owner_id__in=list(standing.roles), team__isnull=True)
        | Q(team_id__in=list(standing.teams))
        | Q(pk__in=list(standing.collaborations))
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
    return capabilities_among(user, [project])[project.pk]


def capabilities_among(
    user: User | AnonymousUser, projects: "Iterable[Project]"
) -> dict[UUID, frozenset[Capability]]:
    """The same for several projects, in one query."""
    projects = list(projects)
    if not isinstance(user, User) or not user.is_active:
        return {project.pk: NOTHING for project in projects}
    if user.is_superuser or all(project.owner_id == user.pk for project in projects):
        return {project.pk: EVERYTHING for project in projects}
    standing = standing_of(user)
    return {project.pk: _granted(user, project, standing) for project in projects}


def _granted(user: User, project: "Project", standing: Standing) -> frozenset[Capability]:
    if project.owner_id == user.pk:
        return EVERYTHING
    role = standing.roles.get(project.owner_id)
    granted = (
        _by_role(role, project)
        | (standing.teams.get(project.team_id, NOTHING) if project.team_id else NOTHING)
        | standing.collaborations.get(project.pk, NOTHING)
    )
    made_it = project.creator_id == user.pk and role is not None
    return EVERYTHING if made_it and Capability.RUN in granted else granted


def _by_role(role: Role | None, project: "Project") -> frozenset[Capability]:
    """An owner of the organization does everything; what belongs to a team is not there for others."""
    if role is None or (project.team_id is not None and role != Role.OWNER):
        return NOTHING
    return OF_ROLE[role]


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
