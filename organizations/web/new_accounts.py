"""Accounts of people who were invited. The letter has proved their address."""

from django.http import HttpRequest

from accounts import sessions
from accounts.models import User
from accounts.services import create_user
from accounts.services.emails import tell_proved


def create_account(*, username: str, email: str, password: str) -> User:
    """Raises a `DomainError` for a name, an address or a password that cannot be."""
    return create_user(actor=None, username=username, email=email, password=password, verified_email=True)


def enter(request: HttpRequest, user: User) -> None:
    """Sign the new user in; what else waits for their address is theirs as well."""
    tell_proved(user, user.email)
    sessions.start(request, user, "invitation")
