"""The two steps of a login: name and password, then, for who has set it up, a code."""

from django.contrib.auth import authenticate
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.errors import LoginFailed, SignInExpired
from accounts.models import User
from accounts.services.two_factor import SIGN_IN_FAILED, accept_code
from accounts.throttling import PASSWORDS
from audit.services import record
from audit.types import Scope, Target
from common import clock
from common.network import client_address

CODE_SECONDS = 5 * 60
_KEY = "sign_in_awaiting_code"


def check_password(request: HttpRequest, *, username: str, password: str) -> User:
    """The user of a name and password. Raises `LoginFailed` or `Throttled`; the same for an unknown name."""
    attempt = PASSWORDS.count(username, client_address(request))
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _record_failure(username)
        raise LoginFailed
    attempt.forgive()
    return user


def await_code(session: SessionBase, user: User) -> None:
    """Remember in the session who has given the right password. They are not signed in by that."""
    session.cycle_key()
    session[_KEY] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "at": clock.now().timestamp(),
    }


def awaited_user(session: SessionBase) -> User:
    """Who has given the right password a moment ago. Raises `SignInExpired`; also when it was changed since."""
    waiting = session.get(_KEY)
    if not waiting or clock.now().timestamp() - waiting["at"] > CODE_SECONDS:
        session.pop(_KEY, None)
        raise SignInExpired
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or not constant_time_compare(waiting["password"], user.get_session_auth_hash()):
        raise SignInExpired
    return user


def check_code(request: HttpRequest, user: User, code: str) -> str:
    """How the user who is awaited has proved who they are. Raises `WrongCode` or `Throttled`."""
    address = client_address(request)
    how = accept_code(user=user, code=code, address=address, failure=SIGN_IN_FAILED)
    request.session.pop(_KEY, None)
    return f"password and {how}"


def _record_failure(username: str) -> None:
    """One query and one row for a name that exists and for one that does not, so that the time tells nothing."""
    known = User.objects.filter(username=username).annotate(
        organizations=ArrayAgg(
            "memberships__organization_id", filter=Q(memberships__isnull=False), default=[]
        )
    )
    user = known.first()
    record(
        SIGN_IN_FAILED,
        actor=None,
        target=user.audit_target if user else Target("user", "", username, Scope()),
        after={"refused": "password"},
        also_for=user.organizations if user else (),
    )
