"""Signing in with a password, slowed down for whoever guesses.

Failures are counted per account and per address for a while; past the limit even the right password is refused until
the time is over. The answer is the same for an unknown name and a wrong password.
"""

import hashlib

from django.contrib.auth import authenticate
from django.core.cache import cache
from django.http import HttpRequest

from accounts.models import User
from common.errors import DomainError

WINDOW_SECONDS = 15 * 60
FAILURES_PER_ACCOUNT = 10
FAILURES_PER_ADDRESS = 50


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
    counters = {
        _counter("account", username.lower()): FAILURES_PER_ACCOUNT,
        _counter("address", request.META.get("REMOTE_ADDR", "")): FAILURES_PER_ADDRESS,
    }
    failures = cache.get_many(list(counters))
    if any(failures.get(name, 0) >= limit for name, limit in counters.items()):
        raise LoginThrottled
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        for name in counters:
            _count_failure(name)
        raise LoginFailed
    cache.delete(_counter("account", username.lower()))
    return user


def _count_failure(name: str) -> None:
    if not cache.add(name, 1, WINDOW_SECONDS):
        try:
            cache.incr(name)
        except ValueError:  # it expired between the two calls
            cache.add(name, 1, WINDOW_SECONDS)


def _counter(kind: str, value: str) -> str:
    return f"login-failures:{kind}:{hashlib.sha256(value.encode()).hexdigest()}"
