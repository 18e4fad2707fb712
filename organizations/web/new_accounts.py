"""Accounts of people who were invited. The letter has proved their address."""

from django.http import HttpRequest

from accounts import sessions
from accounts.models import User
from accounts.services import create_user


def create_account(*, username: str, email: str, password: str) -> User:
    """Raises a `DomainError` for a name, an address or a password that cannot be."""
    return create_user(actor=None, username=username, email=email, password=password, verified_email=True)


def sign_in(request: HttpRequest, user: User) -> None:
    sessions.start(request, user, "invitation")
