"""Accounts of people who were invited. The letter has proved their address."""

from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.errors import NameRefused
from accounts.models import User
from accounts.names import checked_owner_name
from common.errors import DomainError


def create_account(*, username: str, email: str, password: str) -> User:
    """Raises a `DomainError` for a name, an address or a password that cannot be."""
    try:
        validate_password(password)
    except ValidationError as error:
        raise DomainError(" ".join(error.messages), field="password") from error
    try:
        with transaction.atomic():
            return User.objects.create_user(checked_owner_name(username), email, password)
    except NameRefused as error:
        raise NameRefused(error.message, field="username") from error
    except IntegrityError as error:
        raise NameRefused(f"The name '{username}' is taken. Choose another one.", field="username") from error


def sign_in(request: HttpRequest, user: User) -> None:
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
