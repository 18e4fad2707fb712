"""Browsers that are signed in. Every sign-in starts here, and here it ends, wherever it is ended from.

The truth is Django's session: its row in the database, with a copy in the cache. `UserSession` is how its user sees it. Ending one
deletes the row with the transaction and the copy after it, so that no request in between brings the copy back.
"""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from accounts.models import ApiToken, User, UserSession
from accounts.selectors import end_of, longest_token_life, organization_ids
from audit.services import record
from common import clock, notices
from common.network import client_address

_BACKEND = "django.contrib.auth.backends.ModelBackend"
_SEEN_SECONDS = 60
_LONGEST_AGENT = 255


def start(request: HttpRequest, user: User, how: str, *, token: ApiToken | None = None) -> None:
    """Sign the browser in. `how` is told in the audit log, such as "password and code".

    The session gets a new key, so that a key that somebody else planted before is worth nothing. With `token` it is a
    token that signs in: the session ends when the token does, or is revoked.
    """
    old_key = request.session.session_key
    with transaction.atomic():
        login(request, user, backend=_BACKEND)
        end = end_of(token, longest_token_life(user)) if token else None
        if end:
            request.session.set_expiry(min(end, clock.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)))
        if request.session.session_key is None:
            request.session.save()
        UserSession.objects.filter(session_key=old_key).delete()
        _show(request, user, request.session.session_key or "", token)
        record("user.signed_in", actor=user, target=user, after={"how": how}, also_for=organization_ids(user))


def end(request: HttpRequest) -> None:
    """Sign this browser out."""
    user, key = request.user, request.session.session_key
    if not isinstance(user, User):
        return
    logout(request)
    with transaction.atomic():
        UserSession.objects.filter(session_key=key).delete()
        record("user.signed_out", actor=user, target=user, also_for=organization_ids(user))
        _tell(user)


@transaction.atomic
def end_one(session: UserSession, *, actor: User) -> None:
    """Sign another browser out, at once."""
    user = session.user
    _end(user, [session.session_key])
    what = {"ip_address": session.ip_address, "user_agent": session.user_agent}
    record("user.session_ended", actor=actor, target=user, before=what, also_for=organization_ids(user))


@transaction.atomic
def end_others(request: HttpRequest, user: User) -> int:
    """Sign out every other browser of the user; how many there were."""
    count = end_all(user, but=request.session.session_key)
    if count:
        record(
            "user.sessions_ended",
            actor=user,
            target=user,
            after={"count": count},
            also_for=organization_ids(user),
        )
    return count


@transaction.atomic
def end_all(user: User, *, but: str | None = None) -> int:
    """Sign out every browser of the user, except the one with this session key; how many there were."""
    keys = list(user.user_sessions.exclude(session_key=but).values_list("session_key", flat=True))
    _end(user, keys)
    return len(keys)


@transaction.atomic
def end_of_token(token: ApiToken) -> None:
    """Sign out the browsers that the token has signed in."""
    keys = list(token.user_sessions.values_list("session_key", flat=True))
    if keys:
        _end(token.user, keys)


def token_behind(request: HttpRequest) -> ApiToken | None:
    """The token that has signed this browser in, if one did."""
    shown = (
        UserSession.objects.filter(session_key=request.session.session_key).select_related("token").first()
    )
    return shown.token if shown else None


def renew(request: HttpRequest, user: User) -> None:
    """Go on with this browser after its user has changed their password: under a new key."""
    old_key = request.session.session_key
    update_session_auth_hash(request, user)
    UserSession.objects.filter(session_key=old_key).update(session_key=request.session.session_key)


def is_open(session_key: str | None) -> bool:
    """Whether the session has not been ended. For connections that outlive a request, such as WebSockets."""
    return (
        bool(session_key)
        and Session.objects.filter(session_key=session_key, expire_date__gt=clock.now()).exists()
    )


def note_use(request: HttpRequest, user: User) -> None:
    """Write at most once a minute that the browser and its user were here."""
    key = request.session.session_key
    if not key or seen_lately(key):
        return
    if not is_open(key):
        # It was ended while this request read it, and the copy in the cache came back: end that one, too.
        request.session.flush()
        return
    now = clock.now()
    if not UserSession.objects.filter(session_key=key).update(last_seen_at=now):
        _show(request, user, key)  # it was started by a command, or by an older version
    User.objects.filter(pk=user.pk).update(last_active_at=now)


def seen_lately(session_key: str) -> bool:
    """Whether this was asked within the last minute already. While Redis is away: yes, so that nothing is written."""
    return not cache.add(f"session-seen:{session_key}", 1, _SEEN_SECONDS)


def _show(request: HttpRequest, user: User, session_key: str, token: ApiToken | None = None) -> None:
    agent = request.headers.get("User-Agent", "").replace("\0", "")[:_LONGEST_AGENT]
    what = {
        "user": user,
        "token": token,
        "ip_address": client_address(request) or None,
        "user_agent": agent,
        "last_seen_at": clock.now(),
    }
    UserSession.objects.get_or_create(session_key=session_key, defaults=what)


def _end(user: User, keys: list[str]) -> None:
    Session.objects.filter(session_key__in=keys).delete()
    user.user_sessions.filter(session_key__in=keys).delete()
    for key in keys:
        transaction.on_commit(partial(_forget, key))
    _tell(user)


def _forget(key: str) -> None:
    """Delete what the cache has of a session."""
    SessionStore(key).delete()


def _tell(user: User) -> None:
    """Open connections of the user look again whether they may stay."""
    notices.publish_on_commit(f"access:{user.pk}", "changed")
