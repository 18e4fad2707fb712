"""One-time addresses that sign a browser in, for clients that hold a token and want to open a page."""

import hashlib
import secrets

from django.core.cache import cache

from accounts.models import User

LIFETIME_SECONDS = 60


def create(user: User) -> str:
    """A code that `redeem` accepts once, within a minute."""
    code = secrets.token_urlsafe(32)
    cache.set(_key(code), user.pk, LIFETIME_SECONDS)
    return code


def redeem(code: str) -> User | None:
    """The user that the code is good for, the first time that it is shown."""
    user_id = cache.get(_key(code))
    if user_id is None or not cache.delete(_key(code)):
        return None
    return User.objects.filter(pk=user_id, is_active=True).first()


def _key(code: str) -> str:
    """Only a hash: who reads Redis must not be able to sign in."""
    return f"login-link:{hashlib.sha256(code.encode()).hexdigest()}"
