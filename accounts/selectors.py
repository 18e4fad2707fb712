"""Reads of accounts."""

from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import ApiToken, User
from common.errors import NotFound


class TokenNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("You have no such token.")


def get_api_token(user: User, token_id: UUID) -> ApiToken:
    token = ApiToken.objects.filter(user=user, pk=token_id).first()
    if token is None:
        raise TokenNotFound
    return token


def users_known_to(user: User) -> QuerySet[User]:
    """The user themself and whoever shares an organization with them; everybody for a superuser."""
    if user.is_superuser:
        return User.objects.order_by("pk")
    organizations = user.memberships.values("organization_id")
    return (
        User.objects.filter(Q(pk=user.pk) | Q(memberships__organization_id__in=organizations))
        .distinct()
        .order_by("pk")
    )
