"""Addresses of the network: which ones the server may contact on a user's behalf, and who calls.

A name is resolved once, every address is judged, and the caller connects to the judged address, so that a name that
resolves differently the second time gains nothing. `common.outgoing` does so for every HTTP client.
"""

import ipaddress
import socket
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest

from common.errors import DomainError

_CARRYING_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""NAT64 and IPv4-compatible addresses: the last 32 bits are the address that is really contacted."""
_LOOPBACK = ipaddress.IPv6Address("::1")


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
            "The operator can allow it with ALLOWED_INTERNAL_HOSTS, or all with ALLOW_PRIVATE_NETWORK_URLS."
        )


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class InternalHosts:
    """Hosts of private networks that users' addresses may name nonetheless."""

    names: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    """Each begins with a dot: whatever ends with it."""
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parsed(cls, items: tuple[str, ...]) -> "InternalHosts":
        """From names, `*.domain`, addresses and networks in CIDR notation. Raises `ValueError` for a network that is none."""
        names, domains, networks = set(), [], []
        for item in items:
            text = item.lower().rstrip(".").strip("[]")
            if "/" in text or _is_address(text):
                networks.append(ipaddress.ip_network(text, strict=False))
            elif text.startswith("*."):
                domains.append(text[1:])
            else:
                names.add(text)
        return cls(frozenset(names), tuple(domains), tuple(networks))

    def name(self, host: str) -> bool:
        text = host.lower().rstrip(".")
        return text in self.names or (bool(self.domains) and text.endswith(self.domains))

    def hold(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


_parsed = cache(InternalHosts.parsed)


def resolve_allowed(host: str, port: int) -> list[str]:
    """The addresses of `host`; `HostRefused` if any of them is private, unless the operator allows private networks or this
    host of one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknown(host) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if settings.ALLOW_PRIVATE_NETWORK_URLS:
        return addresses
    internal = _parsed(tuple(settings.ALLOWED_INTERNAL_HOSTS))
    if not internal.name(host) and not all(_may_be_contacted(text, internal) for text in addresses):
        raise HostRefused(host)
    return addresses


def _may_be_contacted(text: str, internal: InternalHosts) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    really = _inner(address) or address
    return (really.is_global and not really.is_multicast) or internal.hold(really)


def _inner(address: Address) -> Address | None:
    """The address that is really contacted behind one that only carries it."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if any(address in network for network in _CARRYING_IPV4) and address != _LOOPBACK:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def client_address(request: HttpRequest) -> str:
    """The address of the connection, or what a trusted proxy says it is (uvicorn's `FORWARDED_ALLOW_IPS`).

    Empty when the connection has none, as over a Unix socket.
    """
    text = str(request.META.get("REMOTE_ADDR", "")).partition("%")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
