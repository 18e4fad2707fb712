"""What every page has in common: it needs a login, and an error a person can act on becomes a page or a message."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from common.errors import DomainError, Moved

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]

HEADINGS = {403: ("lock", "You may not do this"), 404: ("ghost-2", "There is nothing here")}


def page(view: View[Arguments]) -> View[Arguments]:
    """A view for people who are logged in. A `DomainError` that it raises is shown, not a crash."""

    @wraps(view)
    def handled(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if wants_fragment(request) and not request.user.is_authenticated:
            return HttpResponse(
                "Your session has ended. Log in again.", status=401, content_type="text/plain"
            )
        try:
            response: HttpResponseBase = login_required(view)(request, *args, **kwargs)
        except Moved as error:
            response = moved_response(request, error)
        except DomainError as error:
            response = error_response(request, error)
        # The same address answers a page or its fragment: no cache may mix them up.
        patch_vary_headers(response, ["HX-Request"])
        return response

    return handled


def moved_response(request: HttpRequest, error: Moved) -> HttpResponse:
    """To the same page at its new address. Not for ever: somebody else may take the old one."""
    match = request.resolver_match
    if match is None or request.method not in {"GET", "HEAD"}:
        return error_response(request, error)
    query = request.META.get("QUERY_STRING", "")
    path = reverse(match.view_name, kwargs={**match.kwargs, **error.parameters})
    return HttpResponseRedirect(f"{path}?{query}" if query else path)


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(error.message, status=error.http_status, content_type="text/plain; charset=utf-8")
    symbol, heading = HEADINGS.get(error.http_status, ("alert-circle", "That did not work"))
    context = {"symbol": symbol, "heading": heading, "text": error.message}
    return render(request, "errors/problem.html", context, status=error.http_status)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, and so a part of a page is the answer."""
    return request.headers.get("HX-Request") == "true"


def with_toast(response: HttpResponse, message: str, kind: str = "success", **events: Any) -> HttpResponse:
    """Let the page that htmx updates show a message, and fire other events on it."""
    response["HX-Trigger"] = json.dumps({"toast": {"message": message, "kind": kind}, **events})
    return response
