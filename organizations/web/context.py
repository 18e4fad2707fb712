"""The account menu of the bar: in which context somebody works (everything, their own things, one organization)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from organizations import services
from organizations.access import memberships_of, memberships_shut
from organizations.models import Organization, OrganizationMembership

SESSION_KEY = "context_owner"
SHOWN = 12
"""Organizations in the menu; the rest is on the page of organizations."""


@dataclass(frozen=True)
class Context:
    """`owner_id` is the user, or one of their organizations; None: everything that they see."""

    owner_id: int | None = None
    name: str = ""
    is_organization: bool = False


EVERYTHING = Context()


@dataclass(frozen=True)
class AccountMenu:
    """What the bar shows. Organizations in `shut` want a second factor first."""

    context: Context
    memberships: list[OrganizationMembership]
    has_more: bool
    shut: list[Organization]
    may_create: bool


def account_menu(request: HttpRequest) -> dict[str, Any]:
    """For templates; nothing is read until one looks."""
    return {"account_menu": SimpleLazyObject(_maker(request))}


def context_of(request: HttpRequest) -> Context:
    """What the user chose last, as long as they may still see it."""
    user, chosen = request.user, request.session.get(SESSION_KEY)
    if chosen is None or not isinstance(user, User):
        return EVERYTHING
    if chosen == user.pk:
        return Context(user.pk, user.username)
    membership = (
        memberships_of(user).filter(organization_id=chosen).select_related("organization__owner").first()
    )
    return _of_organization(membership.organization) if membership else EVERYTHING


def choose(request: HttpRequest, owner_id: int | None) -> Context:
    """Remember the choice for the session; an owner that is not the user's own to choose means everything."""
    request.session[SESSION_KEY] = owner_id
    context = context_of(request)
    request.session[SESSION_KEY] = context.owner_id
    return context


def _maker(request: HttpRequest) -> Callable[[], AccountMenu | None]:
    def make() -> AccountMenu | None:
        user = request.user
        if not isinstance(user, User):
            return None
        found = memberships_of(user).select_related("organization__owner")
        memberships = list(found.order_by("organization__owner__name")[: SHOWN + 1])
        shut = memberships_shut(user).select_related("organization__owner")
        return AccountMenu(
            context_of(request),
            memberships[:SHOWN],
            len(memberships) > SHOWN,
            [membership.organization for membership in shut.order_by("organization__owner__name")[:SHOWN]],
            services.may_create_organizations(user),
        )

    return make


def _of_organization(organization: Organization) -> Context:
    return Context(organization.pk, organization.name, is_organization=True)
