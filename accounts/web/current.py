"""Who is asking."""

from django.http import HttpRequest

from accounts.models import User


def user_of(request: HttpRequest) -> User:
    """The user of a request that passed `common.web.pages.page`."""
    assert isinstance(request.user, User)  # noqa: S101  (for the type checker: `page` lets only users in)
    return request.user
