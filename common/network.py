"""Addresses of the network: which ones the server may contact on a user's behalf, and who calls.

A name is resolved once, every address is judged, and the caller connects to the judged address, so that a name that
resolves differently the second time gains nothing.
"""

import ipaddress
import socket

from django.conf import settings
from django.http import HttpRequest

from common.errors import DomainError

_CARRYING_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""NAT64 and IPv4-compatible addresses: the last 32 bits are the address that is really contacted."""


class HostUnknown(DomainError):
    code = "host_unknown"
    is_transient = True

    def __init__(self, host: str) -> None:
        super().__init__(f"The host '{host}' cannot be found. Check the address for typing errors.")


class HostRefused(DomainError):
    code = "host_refused"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"'{host}' is in a private network, which this installation does not contact on behalf of users. "
            "The operator can allow it with ALLOW_PRIVATE_NETWORK_URLS."
        )


def resolve_allowed(host: str, port: int) -> list[str]:
    """The addresses of `host`; `HostRefused` if any of them is private and private networks are not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(host) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings.ALLOW_PRIVATE_NETWORK_URLS and not all(map(_is_public, addresses)):
        raise HostRefused(host)
    return addresses


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if any(address in network for network in _CARRYING_IPV4):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast


def client_address(request: HttpRequest) -> str:
    """The address of the connection, or what a trusted proxy says it is (uvicorn's `FORWARDED_ALLOW_IPS`).

    Empty when the connection has none, as over a Unix socket.
    """
    text = str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
