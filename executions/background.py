"""Celery tasks of executions."""

from datetime import timedelta

from celery import shared_task

from common import clock
from datastores.models import Datum
from executions.logs.background import seal_log
from executions.models import Execution

ABANDONED_AFTER = timedelta(hours=1)


@shared_task(ignore_result=True)
def delete_abandoned_uploads() -> int:
    """Rows that were reserved for files which never came, of executions that ended a while ago.

    The scheduler asks for it once a minute.
    """
    before = clock.now() - ABANDONED_AFTER
    ended = Execution.objects.filter(ended_at__lt=before).values("pk")
    reserved = Datum.objects.filter(
        stored_at__isnull=True, created_at__lt=before, output_execution_id__in=ended
    )
    deleted, _ = reserved.delete()
    return deleted


__all__ = ["delete_abandoned_uploads", "seal_log"]
