"""Signing in with a password, slowed down for whoever guesses.

Attempts are counted before the password is looked at, so that many at once gain nothing: per account and address, per
account from anywhere, and per address. Past a limit even the right password is refused until the time is over. The answer
for an unknown name and for a wrong password is the same.

The address is that of the connection, or what a trusted proxy says it is (uvicorn's `FORWARDED_ALLOW_IPS`); nobody gets
new attempts by sending a header. While Redis is away nothing is counted, and people can still sign in.
"""

import hashlib
import ipaddress

from django.contrib.auth import authenticate
from django.core.cache import cache
from django.http import HttpRequest

from accounts.models import User
from common.errors import DomainError

WINDOW_SECONDS = 15 * 60
ATTEMPTS_PER_ACCOUNT_AND_ADDRESS = 10
ATTEMPTS_PER_ACCOUNT = 100
"""Higher, or strangers could keep somebody out by guessing wrong on purpose."""
ATTEMPTS_PER_ADDRESS = 50


class LoginFailed(DomainError):
    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong.")


class LoginThrottled(DomainError):
    code = "throttled"
    http_status = 429

    def __init__(self) -> None:
        minutes = WINDOW_SECONDS // 60
        super().__init__(f"Too many failed attempts to log in. Wait {minutes} minutes, then try again.")


def login(request: HttpRequest, *, username: str, password: str) -> User:
    """The user of a name and password. Raises `LoginFailed` or `LoginThrottled`."""
    limits = _limits(username.strip().lower(), _network(request.META.get("REMOTE_ADDR", "")))
    counted = {name: _count(name) for name in limits}
    if any(counted[name] > limit for name, limit in limits.items()):
        raise LoginThrottled
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise LoginFailed
    for name in limits:
        _forgive(name)
    return user


def _limits(account: str, address: str) -> dict[str, int]:
    return {
        _counter("both", f"{account} {address}"): ATTEMPTS_PER_ACCOUNT_AND_ADDRESS,
        _counter("account", account): ATTEMPTS_PER_ACCOUNT,
        _counter("address", address): ATTEMPTS_PER_ADDRESS,
    }


def _network(address: str) -> str:
    """One IPv6 customer has 2**64 addresses: they count as one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address


def _count(name: str) -> int:
    """This attempt's number in the current window."""
    if cache.add(name, 1, WINDOW_SECONDS):
        return 1
    try:
        return int(cache.incr(name) or 0)
    except ValueError:  # it expired between the two calls
        return 1


def _forgive(name: str) -> None:
    """A right password does not count as a guess."""
    try:
        if not cache.decr(name):
            cache.delete(name)
    except ValueError:  # it expired meanwhile
        return


def _counter(kind: str, value: str) -> str:
    return f"login-attempts:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
