"""What the API shows of an execution: a function per field, so that a field nobody wants costs nothing."""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from common import clock
from common.rest.times import timestamp
from environments.models import Environment
from executions import queue
from executions.api.links import Links
from executions.models import Execution
from executions.types import ALERTS, Status
from executions.variables import shown_variables
from projects.models import Commit, Project

Field = Callable[[Execution, Links], Any]


def duration_seconds(execution: Execution) -> float | None:
    """From the start to the end, or to now; None before the start."""
    if execution.started_at is None:
        return None
    return round(((execution.ended_at or clock.now()) - execution.started_at).total_seconds(), 3)


def price(execution: Execution) -> float:
    hours = Decimal((duration_seconds(execution) or 0.0) / 3600)
    return round(float(hours * execution.per_hour_price_usd), 5)


def project_brief(project: Project, links: Links) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "name": project.name,
        "description": project.description,
        "owner": {"id": project.owner_id, "username": project.owner.name},
        "url": links.project(project.pk),
        "urls": {"display": links.project_page(project)},
    }


def commit_brief(commit: Commit | None, links: Links) -> dict[str, Any] | None:
    if commit is None:
        return None
    return {
        "repository": commit.repository_id,
        "identifier": commit.identifier,
        "ref": commit.ref,
        "adhoc": commit.adhoc,
        "commit_time": timestamp(commit.committed_at),
        "url": links.commit(commit),
    }


def environment_brief(environment: Environment, links: Links) -> dict[str, Any]:
    owner = environment.owner
    return {
        "id": str(environment.pk),
        "name": environment.name,
        "slug": environment.slug,
        "description": environment.description,
        "enabled": environment.enabled,
        "type": environment.kind,
        "provider": environment.provider,
        "has_gpu": environment.has_gpu,
        "owner": {"id": owner.pk, "username": owner.name} if owner else None,
        "url": links.environment(environment.pk),
    }


def queue_position(execution: Execution) -> int | None:
    """How many jobs of the queue are claimed before it; None when it does not wait in a queue."""
    return queue.queue_position(queue.job_of(execution)) if execution.status == Status.QUEUED else None


def alert_count(execution: Execution) -> int:
    """Counted by the database where `selectors.with_alert_count` was asked."""
    counted: int | None = getattr(execution, "alert_count", None)
    return len(execution.runtime_facts.get(ALERTS, [])) if counted is None else counted


ROW_FIELDS: dict[str, Field] = {
    "id": lambda e, _: str(e.pk),
    "counter": lambda e, _: e.counter,
    "ctime": lambda e, _: timestamp(e.created_at),
    "mtime": lambda e, _: timestamp(e.updated_at),
    "queue_time": lambda e, _: timestamp(e.queued_at),
    "start_time": lambda e, _: timestamp(e.started_at),
    "end_time": lambda e, _: timestamp(e.ended_at),
    "duration": lambda e, _: duration_seconds(e),
    "status": lambda e, _: e.status,
    "status_detail": lambda e, _: e.status_detail or None,
    "waiting_reason": lambda e, _: e.waiting_reason or None,
    "error_text": lambda e, _: e.error_text or None,
    "exit_code": lambda e, _: e.exit_code,
    "title": lambda e, _: e.title,
    "step": lambda e, _: e.step,
    "step_icon": lambda e, _: None,
    "tags": lambda e, _: e.tags,
    "task_tags": lambda e, _: [],
    "pipeline_tags": lambda e, _: [],
    "project": lambda e, links: project_brief(e.project, links),
    "commit": lambda e, links: commit_brief(e.commit, links),
    "task": lambda e, _: None,
    "task_counter": lambda e, _: None,
    "pipeline": lambda e, _: None,
    "pipeline_counter": lambda e, _: None,
    "environment": lambda e, links: environment_brief(e.environment, links),
    "image": lambda e, _: e.image,
    "priority": lambda e, _: e.priority,
    "price": lambda e, _: price(e),
    "emissions": lambda e, _: None,
    "executor_identity": lambda e, _: e.worker_identity,
    "creator_id": lambda e, _: None if e.creator_id is None else str(e.creator_id),
    "creator_name": lambda e, _: e.creator.display_name if e.creator else None,
    "n_alerts": lambda e, _: alert_count(e),
    "n_comments": lambda e, _: 0,
    "n_outputs": lambda e, _: e.output_count,
    "is_pinned": lambda e, _: False,
    "deleted": lambda e, _: e.deleted_at is not None,
    "url": lambda e, links: links.execution(e.pk),
    "urls": lambda e, links: links.execution_links(e),
}

BULKY_FIELDS: dict[str, Field] = {
    "queue_position": lambda e, _: queue_position(e),
    "command": lambda e, _: e.command,
    "interpolated_command": lambda e, _: e.interpolated_command,
    "inputs": lambda e, _: [{"name": item["name"], "urls": item["urls"]} for item in e.inputs],
    "parameters": lambda e, _: e.parameters,
    "parameter_categories": lambda e, _: None,
    "environment_variables": lambda e, _: shown_variables(e),
    "environment_variable_groups": lambda e, _: e.environment_variable_groups,
    "inherit_environment_variables": lambda e, _: e.inherit_environment_variables,
    "runtime_config": lambda e, _: e.runtime_config,
    "mounts": lambda e, _: e.mounts,
    "time_limit": lambda e, _: e.time_limit_seconds,
    "stop_expression": lambda e, _: e.runtime_config.get("stop_expression", ""),
    "cumulative_metadata": lambda e, _: e.cumulative_metadata,
    "runtime_facts": lambda e, _: e.runtime_facts,
    "alerts": lambda e, _: e.runtime_facts.get(ALERTS, []),
    "latest_stats": lambda e, _: e.latest_stats,
    "log_line_count": lambda e, _: e.log_line_count,
    "metadata_count": lambda e, _: e.metadata_count,
}
"""On the detail, and on list rows when asked for with `?include=`."""

BULKY_COLUMNS = (
    "command", "interpolated_command", "inputs", "parameters", "environment_variables",
    "environment_variable_groups", "runtime_config", "mounts", "cumulative_metadata", "runtime_facts",
    "latest_stats", "variables_beside",
)  # fmt: skip


def row_fields(include: Collection[str], exclude: Collection[str]) -> dict[str, Field]:
    wanted = {name: field for name, field in BULKY_FIELDS.items() if name in include}
    return {name: field for name, field in {**ROW_FIELDS, **wanted}.items() if name not in exclude}


def represent(execution: Execution, fields: dict[str, Field], links: Links) -> dict[str, Any]:
    return {name: field(execution, links) for name, field in fields.items()}
