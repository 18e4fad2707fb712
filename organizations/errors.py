"""What a caller of organizations can run into."""

from datetime import timedelta

from common.errors import DomainError, NotFound


class OrganizationNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Organization {reference} does not exist.")


class TeamNotFound(NotFound):
    def __init__(self, reference: object) -> None:
        super().__init__(f"Team {reference} does not exist.")


class NotSuperuser(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("Only a superuser of this installation may create organizations. Ask one of them.")


class NameRefused(DomainError):
    """A name that has the wrong form or is taken; the message says which."""

    field = "name"


class NotAMember(DomainError):
    code = "not_a_member"
    field = "user"

    def __init__(self, user: object, organization: object) -> None:
        super().__init__(f"{user} is not a member of {organization}. Add them to the organization first.")


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


class EmailRefused(DomainError):
    """The message says why nobody is invited at this address."""

    field = "email"


class SentJustNow(DomainError):
    code = "throttled"
    http_status = 429

    def __init__(self, pause: timedelta) -> None:
        minutes = int(pause.total_seconds() // 60)
        super().__init__(
            f"This invitation was sent a moment ago. Wait {minutes} minutes, then send it again."
        )


class TooManyInvitations(DomainError):
    code = "throttled"
    http_status = 429

    def __init__(self, number: int) -> None:
        super().__init__(
            f"You have invited {number} people within a day. Wait until tomorrow to invite more."
        )
