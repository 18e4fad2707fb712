"""E-mail addresses of a user: claimed by typing them, proved by the link of a letter."""

from collections.abc import Callable
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts import letters
from accounts.addresses import checked_email
from accounts.errors import EmailRefused, LinkInvalid
from accounts.models import EmailAddress, User
from accounts.services.passwords import confirm_password
from accounts.throttling import LETTERS
from audit.services import record
from common import clock

LINK_SECONDS = 24 * 60 * 60
MOST = 10
_SALT = "accounts.verify-email"

on_proved: list[Callable[[User, str], None]] = []
"""Higher apps append what they do, in the same transaction, when a user has proved an address."""


def add_email(*, user: User, email: str, password: str, address: str, site: str) -> EmailAddress:
    """Claim an address and send the letter that proves it. Raises `EmailRefused` and `WrongPassword`.

    The password is asked for because whoever holds a verified address can set a new one. An address that somebody else has proved is not refused here, which would tell who has an account: its letter goes to its
    owner, and only they could find out. `address` is where the request comes from, `site` what the link begins with.
    """
    checked = checked_email(email)
    confirm_password(user=user, password=password, address=address)
    with transaction.atomic():
        _lock(user)
        if user.email_addresses.filter(Exact(Lower("email"), checked.lower())).exists():
            raise EmailRefused(f"You have {checked} already.", code="unique")
        if user.email_addresses.count() >= MOST:
            raise EmailRefused(f"You have {MOST} addresses, which is the limit. Remove one first.")
        added = user.email_addresses.create(email=checked)
        record("user.email_added", actor=user, target=user, after={"email": checked})
        send_verification(email=added, address=address, site=site)
    return added


def send_verification(*, email: EmailAddress, address: str, site: str) -> None:
    """Send the letter with the link that proves the address. Raises `Throttled`."""
    if email.verified_at is not None:
        raise EmailRefused(f"{email.email} is verified already.")
    LETTERS.count(email.user.username, address)
    token = signing.dumps([str(email.pk), email.email.lower()], salt=_SALT)
    letters.verify_email(email=email, token=token, site=site)


def get_claim(*, user: User, token: str) -> EmailAddress:
    """The user's address that the link of a letter is about. Raises `LinkInvalid`."""
    try:
        pk, address = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
        found = EmailAddress.objects.filter(pk=UUID(pk), user=user).first()
    except (signing.BadSignature, ValueError) as error:
        raise LinkInvalid(
            "This link is not complete, or is older than a day. Ask for another letter on this page."
        ) from error
    if found is None or found.email.lower() != address:
        raise LinkInvalid(
            f"This link is for another account, or for an address that was removed. You are signed in as {user}."
        )
    return found


@transaction.atomic
def verify_email(*, user: User, token: str, address: str) -> EmailAddress:
    """Whoever has the letter and is signed in as the user has proved the address. Raises `LinkInvalid`, `EmailRefused`."""
    _lock(user)
    email = get_claim(user=user, token=token)
    if email.verified_at is not None:
        return email
    email.verified_at = clock.now()
    email.is_primary = email.is_primary or not user.email_addresses.filter(is_primary=True).exists()
    try:
        with transaction.atomic():
            email.save(update_fields=["verified_at", "is_primary", "updated_at"])
    except IntegrityError as error:
        raise _proved_elsewhere(email.email) from error
    if email.is_primary:
        _copy(user, email)
    else:
        letters.security_change(
            user=user, what=f"{email.email} is now an address of your account", address=address
        )
    record("user.email_verified", actor=user, target=user, after={"email": email.email})
    tell_proved(user, email.email)
    return email


@transaction.atomic
def tell_proved(user: User, email: str) -> None:
    """What an address brings that its user has proved, by the link of a letter of whatever kind."""
    for act in on_proved:
        act(user, email)


@transaction.atomic
def make_primary(*, user: User, email: EmailAddress, address: str) -> None:
    """Letters about the account go to the primary address. Raises `EmailRefused` for one that is not verified."""
    _lock(user)
    email.refresh_from_db()
    if email.verified_at is None:
        raise EmailRefused(f"{email.email} is not verified yet. Open the link in the letter first.")
    if email.is_primary:
        return
    old = user.email
    # To the old address: whoever reads the new one has done this.
    letters.security_change(
        user=user, what=f"{email.email} is now the primary e-mail address of your account", address=address
    )
    user.email_addresses.filter(is_primary=True).update(is_primary=False)
    user.email_addresses.filter(pk=email.pk).update(is_primary=True)
    _copy(user, email)
    record(
        "user.primary_email_changed",
        actor=user,
        target=user,
        before={"email": old},
        after={"email": email.email},
    )


@transaction.atomic
def remove_email(*, user: User, email: EmailAddress, address: str) -> None:
    """Raises `EmailRefused` for the primary address and for the last one that is verified."""
    _lock(user)
    email.refresh_from_db()
    if email.is_primary:
        raise EmailRefused(f"{email.email} is the primary address. Make another one primary first.")
    others = user.email_addresses.exclude(pk=email.pk)
    if email.verified_at is not None and not others.filter(verified_at__isnull=False).exists():
        raise EmailRefused(f"{email.email} is the last verified address. Verify another one first.")
    email.delete()
    record("user.email_removed", actor=user, target=user, before={"email": email.email})
    if email.verified_at is not None:
        letters.security_change(
            user=user, what=f"{email.email} was removed from your account", address=address
        )


def replace_primary(user: User) -> None:
    """`user.email` as a superuser has set it takes the place of the primary address. Raises `EmailRefused`."""
    user.email_addresses.filter(is_primary=True).delete()
    if not user.email:
        return
    mine = user.email_addresses.filter(Exact(Lower("email"), user.email.lower())).first()
    if mine is None or mine.verified_at is None:
        require_unproved(user.email)
    email = mine or EmailAddress(user=user)
    email.email, email.is_primary = user.email, True
    email.verified_at = email.verified_at or clock.now()
    email.save()


def require_unproved(email: str) -> None:
    """Raise `EmailRefused` if somebody has proved that the address is theirs."""
    proved = EmailAddress.objects.filter(verified_at__isnull=False)
    if proved.filter(Exact(Lower("email"), email.lower())).exists():
        raise _proved_elsewhere(email)


def _proved_elsewhere(email: str) -> EmailRefused:
    return EmailRefused(
        f"{email} is verified for another account. Remove it there first, or use another address.",
        code="unique",
    )


def _lock(user: User) -> None:
    """What a user does to their addresses happens one after the other."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _copy(user: User, email: EmailAddress) -> None:
    user.email = email.email
    user.save(update_fields=["email"])
