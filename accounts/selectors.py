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
    """The user themself and whoever shares an organization or a project with them; everybody for a superuser.

    Where an organization requires a second factor, who has none shares nothing. Organizations and projects belong to higher
    apps; they are reached through the relations that their models declare.
    """
    users = User.objects.order_by("pk")
    if user.is_superuser:
        return users
    has_2fa = Q(user__totp_device__confirmed_at__isnull=False)
    organizations = user.memberships.filter(Q(organization__require_2fa=False) | has_2fa).values(
        "organization_id"
    )
    shared = user.collaborations.exclude(~has_2fa, project__owner__organization__require_2fa=True).values(
        "project_id"
    )
    return users.filter(
        Q(pk=user.pk)
        | Q(pk__in=User.objects.filter(memberships__organization_id__in=organizations).values("pk"))
        # Those who own a project that the user works in, and those who work in it too.
        | Q(pk__in=User.objects.filter(owner__projects__in=shared).values("pk"))
        | Q(pk__in=User.objects.filter(collaborations__project_id__in=shared).values("pk"))
        # Those who work in a project of the user's own.
        | Q(pk__in=User.objects.filter(collaborations__project__owner_id=user.pk).values("pk"))
    )
