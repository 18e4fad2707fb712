"""Reads of accounts."""

from uuid import UUID

from django.db.models import QuerySet

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
    """The user themself and whoever shares an organization or a project with them; everybody for a superuser.

    Projects belong to a higher app; they are reached through the relations that their models declare.
    """
    users = User.objects.order_by("pk")
    if user.is_superuser:
        return users
    organizations = user.memberships.values("organization_id")
    shared = user.collaborations.values("project_id")
    known = (
        User.objects.filter(pk=user.pk),
        User.objects.filter(memberships__organization_id__in=organizations),
        # Those who own a project that the user works in, and those who work in it too.
        User.objects.filter(owner__projects__in=shared),
        User.objects.filter(collaborations__project_id__in=shared),
        # Those who work in a project of the user's own.
        User.objects.filter(collaborations__project__owner_id=user.pk),
    )
    # One after the other each begins with what the user has; an OR of them would begin with all users.
    first, *others = (people.values("pk") for people in known)
    return users.filter(pk__in=first.union(*others))
