"""The address of the installation, for what leaves it: letters and links that somebody else will follow."""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from rest_framework.request import Request

from common.errors import DomainError

_OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})


class AddressUnknown(DomainError):
    code = "address_unknown"

    def __init__(self) -> None:
        super().__init__(
            "The platform does not know its own address, so that it cannot send letters with links. "
            "Whoever runs it sets URL_BASE."
        )


def public_url(path: str, request: HttpRequest | Request | None = None) -> str:
    """`path` as people outside reach it: below URL_BASE where it is set, else by the host of `request`.

    A host that a client merely says it called is not believed: a forged Host header would put a stranger's address into a
    letter with a secret link. It counts only where the operator has listed the hosts, or on one's own machine. Raises
    `AddressUnknown` otherwise.
    """
    if settings.URL_BASE:
        return f"{settings.URL_BASE}{path}"
    if request is None:
        raise AddressUnknown
    host = request.get_host()
    if "*" in settings.ALLOWED_HOSTS and split_domain_port(host)[0] not in _OWN_MACHINE:
        raise AddressUnknown
    return f"{request.scheme}://{host}{path}"


def installation_url(path: str, request: HttpRequest | Request) -> str:
    """`path` as whoever asks reaches it, for what is shown to them alone: a forged Host header would fool its sender."""
    return f"{settings.URL_BASE}{path}" if settings.URL_BASE else request.build_absolute_uri(path)
