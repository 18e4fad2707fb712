"""Remembers for the length of a request where it comes from."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.origin import request_from
from audit.types import Origin
from common.network import client_address

_CHANNELS = {"/api/agent/": "agent", "/api/": "api", "/admin/": "admin"}
_LONGEST_AGENT = 255


class AuditOrigin:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        agent = request.headers.get("User-Agent", "").replace("\0", "")[:_LONGEST_AGENT]
        with request_from(Origin(client_address(request), agent, _channel(request.path_info))):
            return self._get_response(request)


def _channel(path: str) -> str:
    return next((channel for prefix, channel in _CHANNELS.items() if path.startswith(prefix)), "page")
