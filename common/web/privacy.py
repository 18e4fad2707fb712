"""Answers are for whoever asked, and for no cache."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class NotStored:
    """No proxy and no browser keeps what the API and pages answer, unless a view says otherwise.

    So nothing is left behind for the next person at the same machine, and an answer that was made for a forged Host header
    reaches only its forger. Static files do not come this way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
