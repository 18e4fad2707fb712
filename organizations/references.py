"""What a request means when it names an organization, a team or a member: by id or by name, each where it may be looked for."""

from uuid import UUID

from accounts.models import User
from common.errors import DomainError
from organizations.access import administered_by
from organizations.models import Organization, Team

_LARGEST_ID = 2**63 - 1


class ReferenceRefused(DomainError):
    """It names nothing that can be meant here."""

    code = "does_not_exist"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)


def owned_organization(user: User, reference: str, *, field: str = "owner") -> Organization:
    """An organization that `user` owns, by id or name; "" when they own exactly one. Superusers mean any.

    Raises `ReferenceRefused`.
    """
    owned = Organization.objects.filter(administered_by(user, "pk")).select_related("owner")
    if not reference:
        found = list(owned[:2])
        if len(found) == 1:
            return found[0]
        raise ReferenceRefused("Say to which organization it belongs: its id or its name.", field=field)
    organization = (
        owned.filter(pk=_as_id(reference)).first()
        or owned.filter(owner__name__iexact=_text(reference)).first()
    )
    if organization is None:
        raise ReferenceRefused(
            f"'{_text(reference)}' is no organization that you own. Give the id or the name of one.",
            field=field,
        )
    return organization


def team_in(organization: Organization | None, reference: str, *, field: str = "team") -> Team:
    """By id or name. Raises `ReferenceRefused`, also for teams of other organizations."""
    teams = Team.objects.filter(organization=organization) if organization else Team.objects.none()
    try:
        team = teams.filter(pk=UUID(reference)).first()
    except ValueError:
        team = teams.filter(name__iexact=_text(reference)).first()
    if team is None:
        where = organization or "What belongs to no organization"
        raise ReferenceRefused(
            f"{where} has no team '{_text(reference)}'. Choose one of its teams.", field=field
        )
    return team


def member_in(organization: Organization | None, reference: str, *, field: str = "member") -> User:
    """By id or user name. Raises `ReferenceRefused`, also for users who are not members."""
    users = (
        User.objects.filter(memberships__organization=organization) if organization else User.objects.none()
    )
    user = (
        users.filter(pk=_as_id(reference)).first() or users.filter(username__iexact=_text(reference)).first()
    )
    if user is None:
        where = organization or "What belongs to no organization"
        raise ReferenceRefused(
            f"{where} has no member '{_text(reference)}'. Add them to the organization first.", field=field
        )
    return user


def _as_id(reference: str) -> int:
    """0, which nothing has, for what is no id."""
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) < 20 else 0
    return number if number <= _LARGEST_ID else 0


def _text(reference: str) -> str:
    return reference.replace("\0", "")[:128]
