"""Absolute addresses in answers, always with the host that the client used: it sends its token to no other."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from rest_framework.request import Request


def absolute(request: Request | HttpRequest, view_name: str, **kwargs: Any) -> str:
    return request.build_absolute_uri(reverse(view_name, kwargs=kwargs or None))


def base_url(request: Request | HttpRequest) -> str:
    """Scheme and host by which the client reached us."""
    return f"{request.scheme}://{request.get_host()}"
