"""Letters about accounts. They go to verified addresses only, except the one that verifies an address."""

from django.urls import reverse

from accounts.models import EmailAddress, User
from common import clock
from common.mail import send_later


def verify_email(*, email: EmailAddress, token: str, site: str) -> None:
    context = {"user": email.user, "email": email.email, "url": site + reverse("email-verify", args=[token])}
    send_later(to=email.email, template="accounts/verify_email", context=context)


def reset_password(*, user: User, to: str, token: str, site: str, minutes: int) -> None:
    context = {"user": user, "url": site + reverse("password-reset-link", args=[token]), "minutes": minutes}
    send_later(to=to, template="accounts/reset_password", context=context)


def security_change(*, user: User, what: str, address: str) -> None:
    """Tell the user what was done to their account, so that they notice when it was not them."""
    email = _address_of(user)
    if email is None:
        return
    context = {"user": user, "what": what, "address": address, "moment": clock.now()}
    send_later(to=email.email, template="accounts/security_change", context=context)


def _address_of(user: User) -> EmailAddress | None:
    """The primary address when it is verified, else the oldest that is."""
    verified = user.email_addresses.filter(verified_at__isnull=False)
    return verified.order_by("-is_primary", "created_at").first()
