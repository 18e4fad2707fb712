"""Passwords: changed by who knows the old one, reset by who reads the letter, set by a superuser."""

from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from accounts import letters, reset_links, sessions
from accounts.background import send_reset_letter
from accounts.errors import LettersUnavailable, NotSuperuser, PasswordRefused, WrongPassword
from accounts.models import User
from accounts.selectors import organization_ids
from accounts.throttling import PASSWORDS, RESETS
from audit.services import record

LONGEST = 1024


def checked_password(password: str, user: User) -> str:
    """The password, if the user may have it. Raises `PasswordRefused`, which says everything that is wrong."""
    if len(password) > LONGEST:
        raise PasswordRefused(f"The password is longer than {LONGEST} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from error
    return password


def confirm_password(*, user: User, password: str, address: str, field: str = "password") -> None:
    """Raise `WrongPassword` unless it is the password of the user, who is signed in already; slowed down as logins are."""
    attempt = PASSWORDS.count(user.username, address)
    # Not by `user.check_password`: that may store the password under newer parameters, which would end this very session.
    if not check_password(password, user.password):
        record("user.confirmation_failed", actor=user, target=user, also_for=organization_ids(user))
        raise WrongPassword(field)
    attempt.forgive()


def change_password(
    *, user: User, current: str, new: str, address: str, keep_session: str | None = None
) -> None:
    """A new password for who knows the current one. All sessions but `keep_session` end."""
    checked_password(new, user)
    confirm_password(user=user, password=current, address=address, field="current")
    _set(user, new, "user.password_changed", actor=user, address=address, keep_session=keep_session)


def set_password(*, user: User, actor: User, new: str) -> None:
    """A superuser sets the password of somebody who cannot get in."""
    if not actor.is_superuser:
        raise NotSuperuser
    _set(user, checked_password(new, user), "user.password_set", actor=actor, address="")


@transaction.atomic
def password_was_set(*, user: User, actor: User, keep_session: str | None = None) -> None:
    """As `set_password`, for a page that checks and saves the password by itself."""
    if not actor.is_superuser:
        raise NotSuperuser
    _follow(user, "user.password_set", actor=actor, address="", keep_session=keep_session)


def request_reset(*, email: str, address: str, site: str) -> None:
    """Have a letter sent, if the address is a verified one of somebody's.

    Whether it is, is looked up later by Celery, so that neither the answer nor its time tells. Raises `Throttled` and
    `LettersUnavailable`.
    """
    RESETS.count(email, address)
    try:
        send_reset_letter.apply_async([email, site, address], retry=False)
    except BrokerError as error:
        raise LettersUnavailable from error


@transaction.atomic
def reset_password(*, token: str, new: str, address: str) -> User:
    """A new password for who has the letter; every session ends. Raises `LinkInvalid` and `PasswordRefused`."""
    user = reset_links.user_of(token)
    # Two that use one link at once queue up here, and the second finds it used.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    user = reset_links.user_of(token)
    _set(user, checked_password(new, user), "user.password_reset", actor=user, address=address)
    return user


@transaction.atomic
def _set(
    user: User, password: str, kind: str, *, actor: User, address: str, keep_session: str | None = None
) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    _follow(user, kind, actor=actor, address=address, keep_session=keep_session)


def _follow(user: User, kind: str, *, actor: User, address: str, keep_session: str | None) -> None:
    """What every new password brings with it."""
    record(kind, actor=actor, target=user, also_for=organization_ids(user))
    letters.security_change(user=user, what="The password of your account was changed", address=address)
    sessions.end_all(user, but=keep_session)
