"""API tokens: made, used and revoked."""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from accounts import sessions
from accounts.errors import (
    ReadOnlyToken,
    TokenExpired,
    TokenInvalid,
    TokenLifetimeRefused,
    TokenNotFound,
    TokenTooOld,
)
from accounts.models import ApiToken, User
from accounts.selectors import end_of, longest_token_life, organization_ids
from audit.services import record, snapshot
from common import clock, notices
from common.ids import new_token

_LAST_USE_RESOLUTION = timedelta(minutes=1)
_SLACK = timedelta(minutes=5)
"""Somebody who asks for exactly the longest lifetime is not refused for the seconds that the form took."""


@transaction.atomic
def create_api_token(
    *,
    user: User,
    name: str,
    expires_at: datetime | None = None,
    access_scope: str = ApiToken.AccessScope.FULL,
    made_with: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is not kept and cannot be shown again.

    Without `expires_at` it lives as long as the user's organizations allow. `made_with` is the token that asks for it, or that
    has signed in the browser that does: a token makes none that can do more, or lives longer, than itself. Raises `TokenLifetimeRefused` and
    `ReadOnlyToken`.
    """
    if made_with and made_with.access_scope == ApiToken.AccessScope.READ_ONLY:
        raise ReadOnlyToken
    secret = new_token()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=digest_of(secret),
        hint=secret[:6],
        access_scope=access_scope,
        expires_at=_checked_end(user, expires_at, made_with),
    )
    after = snapshot(token, ("name", "access_scope", "expires_at"))
    record("token.created", actor=user, target=token, after=after, also_for=organization_ids(user))
    return token, secret


def _checked_end(user: User, wanted: datetime | None, made_with: ApiToken | None) -> datetime | None:
    life = longest_token_life(user)
    latest = clock.now() + life if life else None
    if life and latest and wanted and wanted > latest + _SLACK:
        raise TokenLifetimeRefused(
            f"An organization of yours allows tokens {life.days} days: choose {latest:%Y-%m-%d} or an earlier day."
        )
    own_end = end_of(made_with, life) if made_with else None
    if own_end and wanted and wanted > own_end:
        raise TokenLifetimeRefused(
            f"A token makes none that lives longer than itself: until {own_end:%Y-%m-%d %H:%M} UTC."
        )
    return min((end for end in (wanted, latest, own_end) if end), default=None)


@transaction.atomic
def revoke_api_token(*, token: ApiToken, actor: User) -> None:
    if token.user_id != actor.pk and not actor.is_superuser:
        raise TokenNotFound
    record("token.revoked", actor=actor, target=token, also_for=organization_ids(token.user))
    sessions.end_of_token(token)
    token.delete()
    notices.publish_on_commit(f"access:{token.user_id}", "changed")


def authenticate_token(secret: str) -> User:
    """The user that a token's secret stands for. Raises `TokenInvalid`, `TokenExpired` or `TokenTooOld`."""
    return token_of(secret).user


def token_of(secret: str) -> ApiToken:
    """The token with this secret, its user loaded; one query. Raises `TokenInvalid`, `TokenExpired` or `TokenTooOld`."""
    found = ApiToken.objects.select_related("user__owner").filter(digest=digest_of(secret))
    token = found.annotate(days=Min("user__memberships__organization__max_token_lifetime_days")).first()
    if token is None or not token.user.is_active:
        raise TokenInvalid
    now = clock.now()
    if token.expires_at and token.expires_at <= now:
        raise TokenExpired
    if token.days is not None and token.created_at + timedelta(days=token.days) <= now:
        raise TokenTooOld(token.days)
    if token.last_used_at is None or now - token.last_used_at > _LAST_USE_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        User.objects.filter(pk=token.user_id).update(last_active_at=now)
    return token


def digest_of(secret: str) -> str:
    """Tokens are random and long, so that a plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
