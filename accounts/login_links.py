"""One-time addresses that sign a browser in, for clients that hold a token and want to open a page."""

import hashlib
import secrets
from dataclasses import dataclass

from django.core.cache import cache

from accounts.models import ApiToken, User

LIFETIME_SECONDS = 60


@dataclass(frozen=True)
class Link:
    """What a code is good for."""

    user: User
    token: ApiToken | None
    """The one that asked for it, if one did. What begins with the link ends with the token."""


def create(user: User, token: ApiToken | None = None) -> str:
    """A code that `redeem` accepts once, within a minute."""
    code = secrets.token_urlsafe(32)
    cache.set(_key(code), (user.pk, token.pk if token else None), LIFETIME_SECONDS)
    return code


def redeem(code: str) -> Link | None:
    """What the code is good for, the first time that it is shown; nothing once its token is revoked."""
    stored = cache.get(_key(code))
    if stored is None or not cache.delete(_key(code)):
        return None
    user_id, token_id = stored
    user = User.objects.filter(pk=user_id, is_active=True).first()
    token = ApiToken.objects.filter(pk=token_id, user_id=user_id).first() if token_id else None
    if user is None or (token_id and token is None):
        return None
    return Link(user, token)


def _key(code: str) -> str:
    """Only a hash: who reads Redis must not be able to sign in."""
    return f"login-link:{hashlib.sha256(code.encode()).hexdigest()}"
