"""Which environments somebody may run on. The rights come from `organizations.access`."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import User
from environments.models import TeamPlace
from organizations.access import Role, memberships_of, team_memberships_of


def environments_usable_by(user: User | AnonymousUser) -> Q:
    """The filter on `Environment` that keeps what `user` may run on in some project.

    Unowned ones, their own, those of their organizations as far as teams are not kept out, and those of their teams.
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q(enabled=True)
    memberships, teams = memberships_of(user), team_memberships_of(user).values("team_id")
    places = TeamPlace.objects.filter(team_id__in=teams).exclude(max_running=0).values("environment_id")
    working = memberships.exclude(role=Role.VIEWER).values("organization_id")
    return Q(enabled=True) & (
        Q(owner__isnull=True)
        | Q(owner_id=user.pk)
        | Q(owner_id__in=memberships.filter(role=Role.OWNER).values("organization_id"))
        | Q(owner_id__in=working) & (Q(restricted_to_teams=False, team__isnull=True) | Q(pk__in=places))
        | Q(team_id__in=teams)
    )
