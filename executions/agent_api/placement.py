"""What a dispatcher asks and tells of an attempt that it hands to a cluster: before the job is claimed, and when its machine is gone.

It speaks with the attempt's own token, which it finds in the queue. So it learns nothing of other jobs.
"""

from typing import Any

from common import notices
from executions import lifecycle, queue
from executions.errors import AttemptRefused
from executions.logs.ingest import close_abandoned
from executions.models import Execution
from executions.services import after_commit
from executions.spec.resources import resources_of
from executions.types import RUNNING, Status

WAITING, REFUSED, ENDED, EXCEEDED = "waiting", "refused", "ended", "exceeded"
REPORTS = (WAITING, REFUSED, ENDED, EXCEEDED)


def placement_of(execution: Execution) -> dict[str, Any]:
    """What a cluster has to be asked for. Raises `AttemptRefused` unless it waits to be handed over."""
    if execution.status != Status.QUEUED or not execution.environment.is_dispatched:
        raise AttemptRefused
    return {
        "kind": execution.environment.kind,
        "configuration": execution.environment.dispatch,
        "image": execution.image,
        "resources": resources_of(execution.runtime_config).as_json(),
        "time_limit_seconds": execution.time_limit_seconds,
    }


def report(execution: Execution, state: str, text: str) -> None:
    """Raises `AttemptRefused` when the attempt is past the state that is reported."""
    if not execution.environment.is_dispatched:
        raise AttemptRefused
    if state == WAITING:
        _waits(execution, text)
    elif state == REFUSED:
        _refuse(execution, text)
    else:
        _ended(execution, Status.ERROR if state == EXCEEDED else Status.CRASHED, text)


def _waits(execution: Execution, why: str) -> None:
    queued = Execution.objects.filter(pk=execution.pk, epoch=execution.epoch, status=Status.QUEUED)
    if queued.exclude(waiting_reason=why).update(waiting_reason=why):
        notices.publish(execution.topic, "state")
    elif not queued.exists():
        raise AttemptRefused


def _refuse(execution: Execution, why: str) -> None:
    if not lifecycle.mark_refused(execution_id=execution.pk, epoch=execution.epoch, reason=why):
        raise AttemptRefused
    after_commit(lambda: queue.clear(queue.job_of(execution)))


def _ended(execution: Execution, status: Status, why: str) -> None:
    """The cluster's job is gone. What the worker had reported is kept; if it said how the job ended, that counts."""
    if execution.status not in RUNNING:
        raise AttemptRefused
    close_abandoned(execution_id=execution.pk, epoch=execution.epoch, message=why, status=status)
