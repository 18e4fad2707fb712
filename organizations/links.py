"""Addresses that letters carry."""

from collections.abc import Callable

from django.http import HttpRequest
from django.urls import reverse
from rest_framework.request import Request

from common.web.addresses import public_url


def invitation_link(request: Request | HttpRequest, view_name: str = "invitation") -> Callable[[str], str]:
    """Makes the address of the page that accepts, from the secret of an invitation. Raises `AddressUnknown`."""
    base = public_url("", request)
    return lambda secret: base + reverse(view_name, kwargs={"secret": secret})
