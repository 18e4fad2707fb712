"""What a worker runs when it is revoked."""

import logging

import redis
from django.db.models import Q

from environments.enrolment.types import FOR_ONE_JOB
from executions.logs.ingest import close_abandoned
from executions.models import Execution
from executions.types import RUNNING

logger = logging.getLogger(__name__)


def end_jobs_of(identity: str) -> None:
    """Fence and end them as crashed. While Redis is away the worker cannot hold their leases, and the watchdog does it."""
    is_its = Q(worker_identity=identity) | Q(worker_identity__startswith=f"{identity}{FOR_ONE_JOB}")
    running = Execution.objects.filter(is_its, status__in=RUNNING)
    for execution_id, epoch in running.values_list("pk", "epoch"):
        try:
            close_abandoned(
                execution_id=execution_id,
                epoch=epoch,
                message=f"The worker {identity} was revoked while it ran this. What it had reported is kept.",
            )
        except redis.RedisError:
            logger.warning("job of a revoked worker not closed: Redis is away", extra={"worker": identity})
