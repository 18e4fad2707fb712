"""When somebody was here last."""

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from accounts import sessions
from accounts.models import User


class LastSeen:
    """After a request that used the browser's session: its last use, and its user's, to the minute. Tokens have their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        # A request that did not look at the session is not made to: its answer may be cached for everybody.
        if request.session.accessed and isinstance(request.user, User) and _is_of(request, request.user):
            sessions.note_use(request, request.user)
        return response


def _is_of(request: HttpRequest, user: User) -> bool:
    """A request that has a token, too, acts as the user of that."""
    return request.session.get(SESSION_KEY) == str(user.pk)
