"""What the link of a password reset proves: good once, for `settings.PASSWORD_RESET_TIMEOUT` seconds, and only until the
password or the primary address changes or the user logs in."""

from django.contrib.auth.tokens import default_token_generator
from django.utils.http import base36_to_int, int_to_base36

from accounts.errors import LinkInvalid
from accounts.models import User


def make(user: User) -> str:
    return f"{int_to_base36(user.pk)}-{default_token_generator.make_token(user)}"


def user_of(token: str) -> User:
    """Raises `LinkInvalid` for a link that is forged, used or too old."""
    pk, _, proof = token.partition("-")
    user = _find(pk)
    if user is None or not default_token_generator.check_token(user, proof):
        raise LinkInvalid(
            "This link was used already, is too old, or is not complete. Ask for another letter."
        )
    return user


def _find(pk: str) -> User | None:
    try:
        return User.objects.filter(pk=base36_to_int(pk), is_active=True).first()
    except (ValueError, OverflowError):
        return None
