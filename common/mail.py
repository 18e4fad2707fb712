"""Letters to people. They leave after the commit, by Celery, so that no request waits for a mail server."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError as BrokerError

from common.background import deliver_mail

logger = logging.getLogger(__name__)


def send_later(*, to: str, template: str, context: Mapping[str, Any]) -> None:
    """Send the letter `templates/mail/<template>.txt` to `to` after the commit. Its first line is the subject.

    A broker that is away loses the letter, and the log says so: whoever waits for one can ask for it again.
    """
    text = render_to_string(f"mail/{template}.txt", {"platform_name": settings.PLATFORM_LONG_NAME, **context})
    subject, _, body = text.strip().partition("\n")
    transaction.on_commit(
        partial(_hand_over, to, " ".join(subject.split())[:200], body.strip() + "\n", template)
    )


def _hand_over(to: str, subject: str, body: str, template: str) -> None:
    try:
        # A letter may carry a link that lets somebody in: the log says that one was sent, not what it says.
        deliver_mail.apply_async([to, subject, body], retry=False, argsrepr="(a letter)")
    except BrokerError:
        logger.exception("a letter was not sent: the Celery broker is away", extra={"letter": template})
