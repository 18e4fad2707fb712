"""Reads of executions; every one starts from what the user may see."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from executions.errors import ExecutionNotFound
from executions.models import Execution
from organizations.access import visible_to

LATEST = "latest"


def executions_for(user: User) -> QuerySet[Execution]:
    """Every execution the user may see, deleted ones included, with what a row shows."""
    return with_related(Execution.objects.filter(visible_to(user, via="project")))


def with_related(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """Without the bulk of the commit, which no view of an execution shows."""
    return executions.select_related("project__owner", "commit", "environment__owner", "creator").defer(
        "commit__yaml_source", "commit__config", "commit__config_errors"
    )


def get_execution(user: User, reference: str) -> Execution:
    """By id, `<project id>:<number>` or `<project id>:latest` (of those not deleted).

    Raises `ExecutionNotFound`, also when the user may not see it.
    """
    project, separator, number = reference.partition(":")
    scope = executions_for(user)
    if not separator:
        found = scope.filter(pk=_uuid(project, reference)).first()
    elif number == LATEST:
        living = scope.filter(project_id=_uuid(project, reference), deleted_at__isnull=True)
        found = living.order_by("-counter").first()
    else:
        found = scope.filter(
            project_id=_uuid(project, reference), counter=_counter(number, reference)
        ).first()
    if found is None:
        raise ExecutionNotFound(reference)
    return found


def _uuid(text: str, reference: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ExecutionNotFound(reference) from None


def _counter(text: str, reference: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ExecutionNotFound(reference)
    return int(text)
