"""Celery tasks of logs."""

import logging
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError as BrokerError

from executions.logs import sealing

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def seal_log(execution_id: str) -> int:
    """Move log lines from the database into objects of the platform's storage; how many objects were written.

    Asked for by ingest when an execution ends or its fresh lines have become many, and by the scheduler every minute
    for executions that ended a while ago. Doing it again, or twice at once, changes nothing.
    """
    return sealing.seal(UUID(execution_id))


def ask_for_sealing(execution_id: UUID) -> None:
    """The scheduler asks again when this gets lost."""
    try:
        seal_log.apply_async([str(execution_id)], retry=False)
    except BrokerError:
        logger.warning("sealing is asked for later: the Celery broker is away")
