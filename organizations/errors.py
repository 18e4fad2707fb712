"""What a caller of organizations can run into."""

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
