"""Who may use, know of and manage environments and registry credentials. The rights come from `organizations.access`."""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import Owner, User
from environments.errors import EnvironmentNotChangeable
from environments.models import Environment, TeamPlace
from organizations.access import (
    Capability,
    Role,
    administered_by,
    capabilities_in,
    collaborations_of,
    memberships_of,
    team_memberships_of,
)

NOTHING = Q(pk__in=[])


def environments_usable_by(user: User | AnonymousUser) -> Q:
    """The filter on `Environment` that keeps what `user` may run on in some project.

    Unowned ones, their own, those of whoever owns a project that they work in, as far as teams and members are not kept
    out. Whether it can be used in one certain project, `environments.availability` says.
    """
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    return Q(enabled=True) if user.is_superuser else Q(enabled=True) & _within_reach(user)


def environments_known_to(user: User | AnonymousUser) -> Q:
    """What `user` may be told about: all that they could use if it were enabled, and all of their organizations."""
    if not isinstance(user, User) or not user.is_active:
        return NOTHING
    if user.is_superuser:
        return Q()
    own = memberships_of(user).values("organization_id")
    return Q(owner__isnull=True) | Q(owner_id__in=own) | _within_reach(user)


def environments_administered_by(user: User | AnonymousUser) -> Q:
    """Those of the organizations that the user owns; all for a superuser."""
    return administered_by(user, "owner_id")


def administers(user: User | AnonymousUser, owner: Owner | None) -> bool:
    """Whether `user` manages what `owner` has here: environments and registries. What is nobody's, superusers manage."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if user.is_superuser:
        return True
    organization = getattr(owner, "organization", None)
    return organization is not None and Capability.ADMINISTER in capabilities_in(user, organization)


def administered_owners(
    user: User | AnonymousUser, environments: Collection[Environment]
) -> frozenset[int | None]:
    """Of the owners of these, whose things the user manages. One query, however many there are."""
    owners = {environment.owner_id for environment in environments}
    if not isinstance(user, User) or user.is_superuser:
        return frozenset(owners if isinstance(user, User) else ())
    owned = memberships_of(user).filter(role=Role.OWNER, organization_id__in=owners - {None})
    return frozenset(owned.values_list("organization_id", flat=True))


def manages(user: User | AnonymousUser, environment: Environment) -> bool:
    return administers(user, environment.owner)


def require_management(user: User | AnonymousUser, environment: Environment) -> None:
    """Raise `EnvironmentNotChangeable` unless `user` manages the environment."""
    if not manages(user, environment):
        raise EnvironmentNotChangeable(environment, environment.owner)


def _within_reach(user: User) -> Q:
    memberships, teams = memberships_of(user), team_memberships_of(user)
    projects = collaborations_of(user).filter(is_read_only=False)
    in_teams = Q(team_id__in=teams.values("team_id")) | Q(team_id__in=projects.values("project__team_id"))
    placed = TeamPlace.objects.filter(in_teams).exclude(max_running=0).values("environment_id")

    working_teams = teams.filter(Q(is_read_only=False) | Q(allow_project_administration=True))
    works_for = (
        Q(owner__isnull=True)
        | Q(owner_id__in=memberships.exclude(role=Role.VIEWER).values("organization_id"))
        | Q(owner_id__in=working_teams.values("team__organization_id"))
        | Q(owner_id__in=projects.values("project__owner_id"))
    )
    shared = Q(team__isnull=True, member__isnull=True)
    let_in = shared & (Q(restricted_to_teams=False) | Q(pk__in=placed)) | in_teams | Q(member_id=user.pk)
    owned = memberships.filter(role=Role.OWNER).values("organization_id")
    return Q(owner_id=user.pk) | Q(owner_id__in=owned) | works_for & let_in
