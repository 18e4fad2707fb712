"""What a caller of organizations can run into."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Model

from common.errors import DomainError, NotFound


class OrganizationNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Organization {reference} does not exist.")


class OrganizationMissing(DomainError):
    """Named in a request, but not there or not visible."""

    code = "does_not_exist"
    field = "organization"


class TeamNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Team {reference} does not exist.")


class NotAMember(DomainError):
    code = "not_a_member"
    field = "user"

    def __init__(self, user: object, organization: object) -> None:
        super().__init__(f"{user} is not a member of {organization}. Add them to the organization first.")


class AlreadyMember(DomainError):
    code = "already_member"
    http_status = 409
    field = "user"

    def __init__(self, user: object, organization: object) -> None:
        super().__init__(f"{user} is a member of {organization} already.")


class NotInTeam(NotFound):
    def __init__(self, user: object, team: object) -> None:
        super().__init__(f"{user} is not in the team {team}.")


class MemberNotFound(NotFound):
    def __init__(self, reference: object, organization: object) -> None:
        super().__init__(f"{organization} has no member {reference}.")


class RoleRefused(DomainError):
    field = "role"

    def __init__(self, role: object, roles: Iterable[str]) -> None:
        super().__init__(f"'{str(role)[:40]}' is no role. Use {', '.join(roles)}.")


class TeamRefused(DomainError):
    field = "teams"

    def __init__(self, team: object, organization: object) -> None:
        super().__init__(f"{organization} has no team {team}. Choose one of its own.")


class SecondFactorMissing(DomainError):
    code = "second_factor_missing"
    field = "require_2fa"

    def __init__(self) -> None:
        super().__init__(
            "You have no second factor yourself, so that this would lock you out. Set one up first, then require it."
        )


class StillOwns(DomainError):
    """The message names what has to go first."""

    code = "still_owns"
    http_status = 409
    _NAMED = 5

    def __init__(self, owner: object, owned: Iterable[Model], action: str) -> None:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for thing in owned:
            by_kind[str(thing._meta.verbose_name_plural)].append(str(thing))
        parts = [f"the {kind} {self._some(sorted(names))}" for kind, names in sorted(by_kind.items())]
        super().__init__(
            f"{owner} still owns {' and '.join(parts)}. Transfer or delete what it owns, then {action}."
        )

    def _some(self, names: list[str]) -> str:
        more = len(names) - self._NAMED
        return ", ".join(names[: self._NAMED]) + (f" and {more} more" if more > 0 else "")


class LastOwner(DomainError):
    code = "last_owner"
    field = "user"

    def __init__(self, user: object, organization: object) -> None:
        super().__init__(f"{user} is the only owner of {organization}. Make somebody else an owner first.")


class InvitationNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Invitation {reference} does not exist.")


class InvitationGone(NotFound):
    """One answer for a link that never was, is used, cancelled or too old: a guess learns nothing."""

    code = "invitation_gone"

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid: its link is wrong, was used or cancelled, or is too old. "
            "Ask whoever invited you for a new one."
        )


class InvitationClosed(DomainError):
    code = "invitation_closed"
    http_status = 409

    def __init__(self, invitation: object, state: str) -> None:
        super().__init__(f"The {invitation} is {state} already.")


class SentJustNow(DomainError):
    code = "throttled"
    http_status = 429

    def __init__(self, pause: timedelta) -> None:
        minutes = int(pause.total_seconds() // 60)
        super().__init__(
            f"This invitation was sent a moment ago. Wait {minutes} minutes, then send it again."
        )
