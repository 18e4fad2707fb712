"""Slows down whoever guesses: passwords, codes, and letters that anybody can ask for.

Attempts are counted before what was sent is looked at, so that many at once gain nothing: per account and address, per
account from anywhere, and per address. Past a limit even the right answer is refused until the time is over.

The address is that of the connection, or what a trusted proxy says it is (uvicorn's `FORWARDED_ALLOW_IPS`); nobody gets
new attempts by sending a header. While Redis is away nothing is counted here, and people can still sign in;
wrong codes are counted in the audit log as well (see `accounts.services.two_factor`).
"""

import hashlib
import ipaddress
from dataclasses import dataclass

from django.core.cache import cache

from accounts.errors import Throttled


@dataclass(frozen=True)
class Attempt:
    """One that was counted."""

    counters: tuple[str, ...]

    def forgive(self) -> None:
        """It was right, so that it was no guess."""
        for name in self.counters:
            _forgive(name)


@dataclass(frozen=True)
class Throttle:
    """How many attempts of one kind are let through within `window_seconds`."""

    name: str
    what: str
    """What there were too many of, for the message."""
    per_account_and_address: int
    per_account: int
    per_address: int
    window_seconds: int = 15 * 60

    def count(self, account: str, address: str) -> Attempt:
        """Count an attempt at `account` from `address`. Raises `Throttled` when there were too many."""
        limits = self._limits(account.strip().lower(), _network(address))
        counted = {name: self._count(name) for name in limits}
        if any(counted[name] > limit for name, limit in limits.items()):
            raise Throttled(self.what, self.window_seconds // 60)
        return Attempt(tuple(limits))

    def _limits(self, account: str, address: str) -> dict[str, int]:
        return {
            self._counter("both", f"{account} {address}"): self.per_account_and_address,
            self._counter("account", account): self.per_account,
            self._counter("address", address): self.per_address,
        }

    def _counter(self, kind: str, value: str) -> str:
        return f"{self.name}-attempts:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"

    def _count(self, name: str) -> int:
        """This attempt's number in the current window."""
        if cache.add(name, 1, self.window_seconds):
            return 1
        try:
            return int(cache.incr(name) or 0)
        except ValueError:  # it expired between the two calls
            return 1


PASSWORDS = Throttle(
    "login",
    "failed attempts to log in",
    per_account_and_address=10,
    per_account=100,  # higher, or strangers could keep somebody out by guessing wrong on purpose
    per_address=50,
)
CODES = Throttle(
    "code",
    "wrong codes",
    per_account_and_address=10,
    per_account=10,  # who gets here knows the password, so that no stranger keeps anybody out
    per_address=50,
)
LETTERS = Throttle(
    "letter",
    "letters",
    per_account_and_address=10,
    per_account=10,
    per_address=30,
    window_seconds=60 * 60,
)
RESETS = Throttle(
    "reset",
    "requests for letters",
    per_account_and_address=5,
    per_account=10,
    per_address=20,
    window_seconds=60 * 60,
)
INVITATIONS = Throttle(  # by who invites and whom: the address is that of the letter
    "invitation",
    "letters with invitations",
    per_account_and_address=5,
    per_account=200,  # the platform is no way to send letters to strangers
    per_address=20,
    window_seconds=24 * 60 * 60,
)
ENROLMENTS = Throttle(  # by the token: it is random and long, so that this only keeps the database from being asked for ever
    "enrolment",
    "wrong enrolment tokens",
    per_account_and_address=20,
    per_account=100,
    per_address=60,
)


def _network(address: str) -> str:
    """One IPv6 customer has 2**64 addresses: they count as one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address


def _forgive(name: str) -> None:
    """A right password does not count as a guess."""
    try:
        if not cache.decr(name):
            cache.delete(name)
    except ValueError:  # it expired meanwhile
        return
