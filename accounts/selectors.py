"""Reads of accounts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts.errors import EmailNotFound, SessionNotFound, TokenNotFound
from accounts.models import ApiToken, EmailAddress, TotpDevice, User, UserSession
from common import clock


def get_api_token(user: User, token_id: UUID) -> ApiToken:
    token = ApiToken.objects.filter(user=user, pk=token_id).first()
    if token is None:
        raise TokenNotFound
    return token


def longest_token_life(user: User) -> timedelta | None:
    """The shortest lifetime that an organization of the user allows tokens to have; None: no limit.

    Organizations belong to a higher app; they are reached through the relations that their models declare.
    """
    found = user.memberships.aggregate(days=Min("organization__max_token_lifetime_days"))
    days: int | None = found["days"]
    return None if days is None else timedelta(days=days)


def end_of(token: ApiToken, longest_life: timedelta | None) -> datetime | None:
    """When the token stops working: at its own end, or when it is older than tokens may be. None: never."""
    ends = [token.expires_at, token.created_at + longest_life if longest_life else None]
    return min((end for end in ends if end), default=None)


def get_email(user: User, email_id: UUID) -> EmailAddress:
    email = EmailAddress.objects.filter(user=user, pk=email_id).first()
    if email is None:
        raise EmailNotFound
    return email


def emails_of(user: User) -> QuerySet[EmailAddress]:
    """The primary address first."""
    return EmailAddress.objects.filter(user=user).order_by("-is_primary", "email")


def proved_email(address: str) -> EmailAddress | None:
    """The e-mail address as an active user has proved that it is theirs, whatever its case here."""
    proved = EmailAddress.objects.filter(verified_at__isnull=False, user__is_active=True)
    return proved.filter(Exact(Lower("email"), address.lower())).select_related("user").first()


def has_2fa(user: User) -> bool:
    """Whether the user has set up two-factor authentication."""
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).exists()


def unused_recovery_codes(user: User) -> int:
    return user.recovery_codes.filter(used_at__isnull=True).count()


def organizations_requiring_2fa(user: User) -> list[str]:
    """The names of the user's organizations that let in nobody without a second factor."""
    requiring = user.memberships.filter(organization__require_2fa=True)
    return list(
        requiring.order_by("organization__owner__name").values_list("organization__owner__name", flat=True)
    )


def organization_ids(user: User) -> Iterable[int]:
    """The user's organizations: their owners may read in the audit log what concerns the safety of the account."""
    return user.memberships.values_list("organization_id", flat=True)


def sessions_of(user: User) -> QuerySet[UserSession]:
    """Browsers that are signed in now, the one that was used last first."""
    alive = Session.objects.filter(expire_date__gt=clock.now()).values("session_key")
    return UserSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at", "-pk")


def get_session(user: User, session_id: UUID) -> UserSession:
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        raise SessionNotFound
    return session


def users_known_to(user: User) -> QuerySet[User]:
    """The user themself and whoever shares an organization or a project with them; everybody for a superuser.

    Where an organization requires a second factor, who has none shares nothing. Organizations and projects belong to higher
    apps; they are reached through the relations that their models declare.
    """
    users = User.objects.order_by("pk")
    if user.is_superuser:
        return users
    has_2fa = Q(user__totp_device__confirmed_at__isnull=False)
    # Read now and named as values, for the reasons of docs/decisions/0170.
    organizations = list(
        user.memberships.filter(Q(organization__require_2fa=False) | has_2fa).values_list(
            "organization_id", flat=True
        )
    )
    shared = list(
        user.collaborations.filter(
            Q(project__owner__organization__isnull=True)
            | Q(project__owner__organization__require_2fa=False)
            | has_2fa
        ).values_list("project_id", flat=True)
    )
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
