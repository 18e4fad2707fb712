"""What a caller of accounts can run into."""

from common.errors import DomainError


class NameRefused(DomainError):
    """A name that has the wrong form or is taken; the message says which."""

    field = "name"
