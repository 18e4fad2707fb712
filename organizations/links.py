"""Addresses that letters carry."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from rest_framework.request import Request


def invitation_link(request: Request | HttpRequest, view_name: str = "invitation") -> Callable[[str], str]:
    """Makes the address of the page that accepts, from the secret of an invitation.

    With the public origin of the installation where URL_BASE names it: nobody chooses by a header of their own request
    where the letter to somebody else leads.
    """

    def link(secret: str) -> str:
        path = reverse(view_name, kwargs={"secret": secret})
        return f"{settings.URL_BASE}{path}" if settings.URL_BASE else request.build_absolute_uri(path)

    return link
