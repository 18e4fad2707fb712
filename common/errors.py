"""The base of every error that a caller can act on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """Something the caller asked for cannot be done; the message names the thing and the remedy.

    `field` names the part of the request that is at fault, when there is one. API and pages render it in one shape
    (see `common.rest.errors`).
    """

    code = "invalid"
    http_status = 400
    field: str | None = None
    is_transient = False
    """Whether the same can succeed a little later, as when something does not answer."""

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field or self.field
        self.code = code or self.code


class NotFound(DomainError):
    """It does not exist, or the user may not see it: the two cannot be told apart."""

    code = "not_found"
    http_status = 404


class Moved(NotFound):
    """It is at another address now. A page that is only read goes there; whoever writes uses the new address."""

    def __init__(self, message: str, **parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters
        """The parameters of the page's route that changed, with the values that they have now."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one field of a request."""

    message: str
    code: str = "invalid"


class FieldsRefused(DomainError):
    """Several fields of one request are at fault; all of them are told at once."""

    def __init__(self, faults: Mapping[str, Sequence[Fault]]) -> None:
        super().__init__(" ".join(fault.message for found in faults.values() for fault in found))
        self.faults = faults
