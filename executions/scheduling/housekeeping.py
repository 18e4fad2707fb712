"""Hands slow, regular work to Celery. The tasks look again themselves: handing one over twice is harmless."""

import logging
from datetime import timedelta
from uuid import UUID

from kombu.exceptions import OperationalError as BrokerError

from accounts.background import remove_ended_sessions
from audit.background import remove_expired_events
from common import clock
from datastores.background import clean_abandoned_uploads, continue_stalled_adoptions
from datastores.datasets.packaging.background import clean_packages, continue_packaging
from datastores.retention.background import apply_retention
from executions.background import seal_log
from executions.models import Execution

logger = logging.getLogger(__name__)

SEALING_GRACE = timedelta(seconds=60)
"""Ingest asks for sealing itself when an execution ends; this catches what was lost on the way."""
BATCH = 100


def every_minute() -> None:
    try:
        for pk in unsealed_executions():
            seal_log.apply_async([str(pk)], retry=False)
        continue_stalled_adoptions.apply_async(retry=False)
        continue_packaging.apply_async(retry=False)
    except BrokerError:
        logger.warning("logs are sealed, adoptions and packages go on later: the Celery broker is away")


def every_hour() -> None:
    try:
        clean_abandoned_uploads.apply_async(retry=False)
        clean_packages.apply_async(retry=False)
        apply_retention.apply_async(retry=False)
        remove_expired_events.apply_async(retry=False)
        remove_ended_sessions.apply_async(retry=False)
    except BrokerError:
        logger.warning("what is old (uploads, audit rows, sessions) goes later: the Celery broker is away")


def unsealed_executions() -> list[UUID]:
    """Ended a while ago, log not yet in object storage; oldest first."""
    ended = Execution.objects.filter(log_sealed_at__isnull=True, ended_at__lt=clock.now() - SEALING_GRACE)
    return list(ended.order_by("ended_at").values_list("pk", flat=True)[:BATCH])
