"""Teams of an organization, and what their members may do in what the team owns."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.errors import NameRefused
from accounts.models import User
from audit.services import record, record_change, snapshot
from organizations import access_changes
from organizations.errors import NotAMember, NotInTeam, StillOwns
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from organizations.services.rights import hold_and_require

LONGEST_NAME = 64
RIGHTS = ("is_read_only", "allow_project_administration")


@transaction.atomic
def create_team(*, organization: Organization, actor: User, name: str) -> Team:
    """Raises `NameRefused`."""
    hold_and_require(actor, organization)
    team = Team(organization=organization, name=_checked_name(name))
    _save(team)
    record("team.created", actor=actor, target=team, after={"name": team.name})
    return team


@transaction.atomic
def rename_team(*, team: Team, actor: User, name: str) -> Team:
    """Raises `NameRefused`."""
    hold_and_require(actor, team.organization)
    before, team.name = team.name, _checked_name(name)
    try:
        _save(team)
    except NameRefused:
        team.name = before
        raise
    record_change(
        "team.renamed", actor=actor, target=team, before={"name": before}, after={"name": team.name}
    )
    return team


@transaction.atomic
def delete_team(*, team: Team, actor: User) -> None:
    """Raises `StillOwns` while projects or environments belong to it."""
    hold_and_require(actor, team.organization)
    members = list(team.memberships.values_list("user_id", flat=True))
    record("team.deleted", actor=actor, target=team, before={"name": team.name, "members": len(members)})
    try:
        with transaction.atomic():
            team.delete()
    except ProtectedError as error:
        raise StillOwns(team, error.protected_objects, "delete the team") from error
    access_changes.announce(members)


@transaction.atomic
def add_team_member(
    *,
    team: Team,
    actor: User,
    user: User,
    is_read_only: bool = False,
    allow_project_administration: bool = False,
) -> TeamMembership:
    """Put a member of the organization into one of its teams, or change what they may do there. Raises `NotAMember`."""
    hold_and_require(actor, team.organization)
    if not OrganizationMembership.objects.filter(organization=team.organization, user=user).exists():
        raise NotAMember(user, team.organization)
    rights = {"is_read_only": is_read_only, "allow_project_administration": allow_project_administration}
    membership, created = TeamMembership.objects.get_or_create(team=team, user=user, defaults=rights)
    if not created:
        return change_team_member(team=team, actor=actor, user=user, **rights)
    record("team_member.added", actor=actor, target=membership, after=rights)
    access_changes.announce([user.pk])
    return membership


@transaction.atomic
def change_team_member(*, team: Team, actor: User, user: User, **rights: bool) -> TeamMembership:
    """Change some of `RIGHTS`. Raises `NotInTeam`."""
    hold_and_require(actor, team.organization)
    membership = _membership(team, user)
    before = snapshot(membership, RIGHTS)
    for name, value in rights.items():
        setattr(membership, name, value)
    membership.save(update_fields=[*rights, "updated_at"])
    after = snapshot(membership, RIGHTS)
    if record_change("team_member.changed", actor=actor, target=membership, before=before, after=after):
        access_changes.announce([user.pk])
    return membership


@transaction.atomic
def remove_team_member(*, team: Team, actor: User, user: User) -> None:
    """They stay in the organization. Raises `NotInTeam`."""
    hold_and_require(actor, team.organization)
    membership = _membership(team, user)
    record("team_member.removed", actor=actor, target=membership, before=snapshot(membership, RIGHTS))
    membership.delete()
    access_changes.announce([user.pk])


def _membership(team: Team, user: User) -> TeamMembership:
    membership = (
        TeamMembership.objects.filter(team=team, user=user)
        .select_related("team__organization__owner", "user")
        .first()
    )
    if membership is None:
        raise NotInTeam(user, team)
    return membership


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise NameRefused(f"Use 1 to {LONGEST_NAME} printable characters.")
    return name


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        message = f"{team.organization} already has a team called '{team.name}'."
        raise NameRefused(message, code="unique") from error
