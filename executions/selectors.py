"""Reads of executions; every one starts from what the user may see."""

from uuid import UUID

from django.db.models import Func, IntegerField, Prefetch, QuerySet
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

from accounts.models import User
from environments.models import Environment
from executions.errors import ExecutionNotFound
from executions.models import Execution
from executions.types import ALERTS
from organizations.access import visible_to
from projects.models import Commit, Project

LATEST = "latest"
_BULK_OF_COMMIT = ("yaml_source", "config", "config_errors")


def executions_for(user: User) -> QuerySet[Execution]:
    """Every execution the user may see, deleted ones included, with what a row shows."""
    return with_related(Execution.objects.filter(visible_to(user, via="project")))


def with_related(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """For single executions: in one query, without the bulk of the commit, which no view of an execution shows."""
    related = executions.select_related("project__owner", "commit", "environment__owner", "creator")
    return related.defer(*(f"commit__{column}" for column in _BULK_OF_COMMIT))


def with_shared_related(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """For lists: one more query per kind of thing, but each project, commit and environment is made only once."""
    return executions.prefetch_related(
        Prefetch("project", Project.objects.select_related("owner")),
        Prefetch("commit", Commit.objects.defer(*_BULK_OF_COMMIT)),
        Prefetch("environment", Environment.objects.select_related("owner")),
        "creator",
    )


def with_alert_count(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """Also `alert_count`, without reading everything that workers said of the runs."""
    alerts = KeyTransform(ALERTS, "runtime_facts")
    count = Func(alerts, function="jsonb_array_length", output_field=IntegerField())
    return executions.annotate(alert_count=Coalesce(count, 0))


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
