"""What every page about one's own account shows: its tabs, and whether a second factor is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from accounts import selectors
from accounts.current import user_of
from common.errors import DomainError


@dataclass(frozen=True)
class AccountTab:
    name: str
    label: str
    url: str


_TABS = (
    ("profile", "Profile", "profile"),
    ("emails", "E-mail", "emails"),
    ("security", "Authentication", "security"),
    ("tokens", "API tokens", "tokens"),
)


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """What a service refuses in the block is told on the next page."""
    try:
        yield
    except DomainError as error:
        messages.error(request, error.message)


def account_page(request: HttpRequest, active_tab: str) -> dict[str, Any]:
    """The context of a page."""
    user = user_of(request)
    has_2fa = selectors.has_2fa(user)
    return {
        "account_tabs": [AccountTab(name, label, reverse(view)) for name, label, view in _TABS],
        "account_tab": active_tab,
        "has_2fa": has_2fa,
        "organizations_requiring_2fa": [] if has_2fa else selectors.organizations_requiring_2fa(user),
    }
