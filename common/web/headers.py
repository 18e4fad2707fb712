"""Headers that keep browsers careful, beside those that Django and django-csp send."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class SafetyHeaders:
    """Every answer says which powers of the browser no page here uses and, behind TLS, that http is over.

    Django's own Strict-Transport-Security waits for a request that it knows to be https, which it never does behind a proxy
    whose word is not trusted. Browsers ignore the header over plain http.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        if settings.HSTS_SECONDS > 0:
            response.headers["Strict-Transport-Security"] = f"max-age={settings.HSTS_SECONDS}"
        return response
