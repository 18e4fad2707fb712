"""What every kind of invitation shares: the secret of its link, its life, and whom it may be sent to.

The services of the thing that one is invited into (an organization here, a project in a higher app) decide who may invite
and what accepting does; they use these functions inside their transaction.
"""

from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.errors import EmailRefused
from accounts.models import User
from accounts.services.tokens import digest_of
from accounts.throttling import INVITATIONS
from common import clock
from common.ids import new_token
from organizations.errors import (
    InvitationClosed,
    InvitationGone,
    SentJustNow,
)
from organizations.models import PENDING, InvitationBase

LIFETIME = timedelta(days=7)
RESEND_AFTER = timedelta(minutes=5)
"""An invitation is not sent again earlier than this."""
_LONGEST_SECRET = 100

Kind = TypeVar("Kind", bound=InvitationBase)


class State(StrEnum):
    PENDING = "pending"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


def new_secret() -> tuple[str, str]:
    """The secret of a link, and its digest, which is all that is kept."""
    secret = new_token()
    return secret, digest_of(secret)


def find(model: type[Kind], secret: str) -> Kind:
    """The open invitation that a link stands for. Raises `InvitationGone`."""
    if len(secret) > _LONGEST_SECRET:
        raise InvitationGone
    invitation = model._default_manager.filter(digest=digest_of(secret)).first()
    if invitation is None:
        raise InvitationGone
    check_open(invitation)
    return invitation


def check_open(invitation: InvitationBase) -> None:
    """Raise `InvitationGone` unless the invitation can still be accepted."""
    if state_of(invitation) != State.PENDING:
        raise InvitationGone


def state_of(invitation: InvitationBase) -> State:
    if invitation.accepted_at:
        return State.ACCEPTED
    if invitation.cancelled_at:
        return State.CANCELLED
    return State.EXPIRED if invitation.expires_at <= clock.now() else State.PENDING


def is_open(invitation: InvitationBase) -> bool:
    """Neither accepted nor cancelled; an expired one can be sent again."""
    return state_of(invitation) in (State.PENDING, State.EXPIRED)


def locked(invitation: Kind) -> Kind:
    """The row as it is now, held until the transaction ends: a link that is clicked twice is accepted once."""
    manager = type(invitation)._default_manager
    row = manager.select_for_update(no_key=True).filter(pk=invitation.pk).first()
    if row is None:
        raise InvitationGone
    return row


def issue(invitation: InvitationBase) -> str:
    """Give the invitation a new secret and a new life; the secret, for the letter. An older link ends. Not saved."""
    secret, invitation.digest = new_secret()
    invitation.sent_at = clock.now()
    invitation.expires_at = invitation.sent_at + LIFETIME
    return secret


def save_new(invitation: InvitationBase) -> None:
    """Raises `EmailRefused` when one to the same address is pending already."""
    try:
        with transaction.atomic():
            invitation.save(force_insert=True)
    except IntegrityError as error:
        message = f"{invitation.email} is invited already. Send that invitation again, or cancel it first."
        raise EmailRefused(message, code="pending") from error


def renew(invitation: InvitationBase) -> str:
    """Send it again: as `issue`, and saved. Raises `InvitationClosed` or `SentJustNow`."""
    if not is_open(invitation):
        raise InvitationClosed(invitation, state_of(invitation))
    if clock.now() - invitation.sent_at < RESEND_AFTER:
        raise SentJustNow(RESEND_AFTER)
    secret = issue(invitation)
    invitation.save(update_fields=["digest", "sent_at", "expires_at", "updated_at"])
    return secret


def cancel(invitation: InvitationBase) -> None:
    """The link ends at once. Raises `InvitationClosed` when it was accepted or cancelled before."""
    if not is_open(invitation):
        raise InvitationClosed(invitation, state_of(invitation))
    invitation.cancelled_at = clock.now()
    invitation.save(update_fields=["cancelled_at", "updated_at"])


def mark_accepted(invitation: InvitationBase, user: User) -> None:
    invitation.accepted_at, invitation.accepted_by = clock.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by", "updated_at"])


def pending(invitations: QuerySet[Kind]) -> QuerySet[Kind]:
    """Neither accepted nor cancelled, expired ones too: they can be sent again. Newest first."""
    return invitations.filter(PENDING).order_by("-created_at")


def account_of(email: str) -> User | None:
    """The enabled account that has proved that the address is its own."""
    return User.objects.filter(
        email_addresses__email__iexact=email, email_addresses__verified_at__isnull=False, is_active=True
    ).first()


def refuse_oneself(actor: User, email: str) -> None:
    if actor.email_addresses.filter(email__iexact=email).exists() or actor.email.lower() == email.lower():
        raise EmailRefused("This is your own address: you are in already.", code="own_address")


def count_letter(actor: User, email: str) -> None:
    """Count a letter that `actor` has sent to the address, whatever it invites into. Raises `Throttled`."""
    INVITATIONS.count(actor.username, email.lower())
