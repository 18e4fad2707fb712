"""The end of an execution is when its outputs become versions of datasets."""

import logging

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from common.errors import DomainError
from datastores.datasets.from_outputs import make_versions, outputs_ask_for_versions
from executions.metadata.lines import clean_text
from executions.models import Execution
from executions.types import Status

logger = logging.getLogger(__name__)


def versions_at_end(execution: Execution, reported: str) -> list[str]:
    """Make the versions that the stored outputs of the locked `execution` ask for; sentences about what is wrong with them.

    `reported` is how it ended. Whatever happens here, the execution ends.
    """
    if not outputs_ask_for_versions(execution.pk):
        return []
    # The row is locked: a stop that was asked for before is seen here, one that comes later finds the execution ended.
    status = Status.STOPPED if execution.status == Status.STOPPING else Status(reported)
    try:
        with transaction.atomic():
            return make_versions(
                execution_id=execution.pk,
                counter=execution.counter,
                project=execution.project,
                creator=execution.creator,
                status=status,
                succeeded=status == Status.COMPLETE,
            )
    except (OperationalError, InterfaceError):
        raise
    except (DatabaseError, DomainError, ValueError) as error:
        logger.exception("versions of datasets not made", extra={"execution": str(execution.pk)})
        return [f"Versions of datasets could not be made: {clean_text(str(error), 300)}"]
