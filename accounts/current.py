"""Who is asking."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def user_of(request: HttpRequest | Request) -> User:
    """The user of a request that only signed-in users can make: a page's, or an API view's with the usual permission."""
    assert isinstance(request.user, User)  # noqa: S101  (for the type checker: everybody else was turned away before)
    return request.user
