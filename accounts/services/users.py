"""Users: creation, names, and being let in at all."""

from django.db import IntegrityError, transaction

from accounts import names, sessions
from accounts.addresses import checked_email
from accounts.errors import NameRefused, NotSuperuser, OwnAccount
from accounts.models import User
from accounts.selectors import organization_ids
from accounts.services.emails import replace_primary, require_unproved
from accounts.services.passwords import checked_password
from audit.services import record, record_change, snapshot
from common import notices

_EDITED_BY_SUPERUSERS = ("email", "first_name", "last_name", "is_staff", "is_superuser")


def create_user(
    *, actor: User | None, username: str, email: str, password: str, verified_email: bool
) -> User:
    """A new user. `actor` is the superuser who makes it; None: whoever has the link of an invitation makes their own.

    `verified_email`: the address is proved, by such a link or by the superuser's word. Raises `NameRefused` (field
    "username"), `EmailRefused` and `PasswordRefused`.
    """
    user = User(username=username, email=checked_email(email) if email else "")
    user.set_password(checked_password(password, user))
    save_new_user(user=user, actor=actor, verified_email=verified_email)
    return user


@transaction.atomic
def save_new_user(*, user: User, actor: User | None, verified_email: bool = True) -> None:
    """Store a user that a form has filled in, password included. Raises `NameRefused` and `EmailRefused`."""
    if actor is not None and not actor.is_superuser:
        raise NotSuperuser
    try:
        names.checked_owner_name(user.username)
    except NameRefused as error:
        raise NameRefused(error.message, field="username", code=error.code) from error
    if user.email and verified_email:
        require_unproved(user.email)
    try:
        with transaction.atomic():
            User.objects.store_new(user, verified_email=verified_email)
    except IntegrityError as error:  # somebody was quicker
        taken = names.taken(user.username)
        raise NameRefused(taken.message, field="username", code=taken.code) from error
    after = snapshot(user, ("username", "email", "is_superuser"))
    record("user.created", actor=actor or user, target=user, after=after)


@transaction.atomic
def save_changed_user(*, user: User, actor: User) -> None:
    """Store what a form of superusers has changed. Another address replaces the primary one and counts as proved."""
    if not actor.is_superuser:
        raise NotSuperuser
    stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before = snapshot(stored, _EDITED_BY_SUPERUSERS)
    user.email = checked_email(user.email) if user.email else ""
    user.save(update_fields=_EDITED_BY_SUPERUSERS)
    if user.email != stored.email:
        replace_primary(user)
    if user.is_superuser != stored.is_superuser:
        notices.publish_on_commit(f"access:{user.pk}", "changed")
    record_change(
        "user.changed", actor=actor, target=user, before=before, after=snapshot(user, _EDITED_BY_SUPERUSERS)
    )


@transaction.atomic
def change_name(*, user: User, first_name: str, last_name: str) -> None:
    """What others are shown beside the user name, which stays."""
    before = snapshot(user, ("first_name", "last_name"))
    user.first_name, user.last_name = first_name.strip(), last_name.strip()
    user.save(update_fields=["first_name", "last_name"])
    record_change(
        "user.changed",
        actor=user,
        target=user,
        before=before,
        after=snapshot(user, ("first_name", "last_name")),
        also_for=organization_ids(user),
    )


@transaction.atomic
def disable_user(*, user: User, actor: User) -> None:
    """No login, no session, no token works until the user is enabled again. What they own stays."""
    if user == actor:
        raise OwnAccount
    _set_active(user, actor, is_active=False)
    sessions.end_all(user)


@transaction.atomic
def enable_user(*, user: User, actor: User) -> None:
    _set_active(user, actor, is_active=True)


def _set_active(user: User, actor: User, *, is_active: bool) -> None:
    if not actor.is_superuser:
        raise NotSuperuser
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    kind = "user.enabled" if is_active else "user.disabled"
    record(kind, actor=actor, target=user, also_for=organization_ids(user))
