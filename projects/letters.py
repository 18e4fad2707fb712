"""Addresses that letters about projects carry."""

from collections.abc import Callable

from django.http import HttpRequest
from rest_framework.request import Request

from organizations import links


def invitation_link(request: Request | HttpRequest) -> Callable[[str], str]:
    """Makes the address of the page that accepts an invitation into a project, from its secret."""
    return links.invitation_link(request, "project_invitation")
