"""Celery tasks of accounts."""

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from accounts import letters, reset_links
from accounts.models import UserSession
from accounts.selectors import organization_ids, proved_email
from audit.origin import request_from
from audit.services import record
from audit.types import Origin
from common import clock


@shared_task
def send_reset_letter(email: str, site: str, address: str) -> None:
    """Send the letter that somebody at `address` asked for, if `email` is verified by a user who has a password."""
    proved = proved_email(email)
    if proved is None or not proved.user.has_usable_password():
        return
    user = proved.user
    with request_from(Origin(address, channel="page")), transaction.atomic():
        record("user.password_reset_requested", actor=None, target=user, also_for=organization_ids(user))
        letters.reset_password(
            user=user,
            to=proved.email,  # as it was proved, not as it was typed
            token=reset_links.make(user),
            site=site,
            minutes=settings.PASSWORD_RESET_TIMEOUT // 60,
        )


@shared_task
def remove_ended_sessions() -> None:
    """Rows of browsers whose session is over."""
    Session.objects.filter(expire_date__lt=clock.now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
