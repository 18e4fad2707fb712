"""The user of a browser's session, read from the database each time: for connections that outlive the request they began with."""

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import constant_time_compare

from accounts.models import User


def user_of_session(session_key: str | None) -> User | None:
    """None when the session was signed out or has expired, or the user was disabled or has another password since."""
    if not session_key:
        return None
    # Not through the session cache: what was deleted in the database counts at once.
    data = SessionStore(session_key).load()
    user = User.objects.filter(pk=data.get(SESSION_KEY), is_active=True).first()
    if user is None:
        return None
    signed = data.get(HASH_SESSION_KEY, "")
    valid = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return user if any(constant_time_compare(signed, digest) for digest in valid) else None
