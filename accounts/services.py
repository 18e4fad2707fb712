"""Writes of accounts: users and API tokens."""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import ApiToken, Owner, User
from accounts.selectors import TokenNotFound
from common import clock
from common.errors import DomainError
from common.ids import new_token

_LAST_USE_RESOLUTION = timedelta(minutes=1)


class TokenInvalid(DomainError):
    code = "authentication_failed"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("This token is not valid. Create one on the page /auth/tokens/.")


class TokenExpired(DomainError):
    code = "token_expired"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "This token has expired (token_expired). Create a new one on the page /auth/tokens/."
        )


class NotSuperuser(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("Only a superuser of this installation may do this. Ask one of them.")


class OwnAccount(DomainError):
    code = "own_account"

    def __init__(self) -> None:
        super().__init__("You cannot disable the account that you are using. Ask another superuser.")


@transaction.atomic
def save_new_user(*, user: User) -> None:
    """Store a user that a form has filled in, with the place of their name among all owners."""
    user.owner = Owner.objects.create(name=user.username, kind=Owner.Kind.USER)
    user.save(force_insert=True)


def disable_user(*, user: User, actor: User) -> None:
    """No login, no session, no token works until the user is enabled again. What they own stays."""
    if user == actor:
        raise OwnAccount
    _set_active(user, actor, is_active=False)


def enable_user(*, user: User, actor: User) -> None:
    _set_active(user, actor, is_active=True)


def _set_active(user: User, actor: User, *, is_active: bool) -> None:
    if not actor.is_superuser:
        raise NotSuperuser
    user.is_active = is_active
    user.save(update_fields=["is_active"])


def create_api_token(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new token and its secret, which is not kept and cannot be shown again."""
    secret = new_token()
    token = ApiToken.objects.create(
        user=user, name=name, digest=digest_of(secret), hint=secret[:6], expires_at=expires_at
    )
    return token, secret


def revoke_api_token(*, token: ApiToken, actor: User) -> None:
    if token.user_id != actor.pk and not actor.is_superuser:
        raise TokenNotFound
    token.delete()


def authenticate_token(secret: str) -> User:
    """The user a token's secret stands for. Raises `TokenInvalid` or `TokenExpired`."""
    token = ApiToken.objects.select_related("user__owner").filter(digest=digest_of(secret)).first()
    if token is None or not token.user.is_active:
        raise TokenInvalid
    now = clock.now()
    if token.expires_at and token.expires_at <= now:
        raise TokenExpired
    if token.last_used_at is None or now - token.last_used_at > _LAST_USE_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def digest_of(secret: str) -> str:
    """Tokens are random and long, so that a plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
