"""Writes on executions. Statuses change in `lifecycle`; here is who may ask for what, and what follows."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis
from django.db import transaction

from accounts.models import User
from audit.services import record, record_change
from common import clock, notices
from executions import lifecycle, queue
from executions.errors import ExecutionNotFound, ExecutionUnfinished
from executions.models import Execution
from executions.spec import draft_execution
from executions.spec.draft import checked_tags, checked_title
from executions.types import ExecutionSpec
from executions.used_files import take_inputs
from organizations.access import Capability, require
from projects.models import Project
from projects.services import next_counter

logger = logging.getLogger(__name__)

LONGEST_STATUS_DETAIL = 4096


def create_execution(
    *, actor: User, project: Project, spec: ExecutionSpec, copied_from: Execution | None = None
) -> Execution:
    """Check, complete and save; the scheduler hears of it after the commit.

    `copied_from` is the execution of the project that the actor began with, for the audit log. Raises `Forbidden`,
    `CommitNotFound`, `StepNotFound`, `EnvironmentNotFound`, `ExecutionNotFound` or `FieldsRefused`.
    """
    require(actor, Capability.RUN, project)
    if copied_from and copied_from.project_id != project.pk:
        raise ExecutionNotFound(copied_from.pk)
    execution = draft_execution(spec=spec, project=project, actor=actor)
    with transaction.atomic():
        execution.counter = next_counter(project_id=project.pk, kind="execution")
        execution.save(force_insert=True)
        take_inputs(execution)
        Project.objects.filter(pk=project.pk).update(last_execution_at=execution.created_at)
        origin = {"copied_from": f"#{copied_from.counter}"} if copied_from else {}
        record("execution.created", actor=actor, target=execution, after=_asked(execution) | origin)
        facts = {"id": str(execution.pk), "counter": execution.counter, "status": execution.status}
        notices.publish_on_commit("scheduler", "wake")
        notices.publish_on_commit(f"project:{project.pk}", "execution", **facts)
    return execution


def spec_from(execution: Execution) -> ExecutionSpec:
    """What has to be asked to run it again. Aliases stay resolved, so that a copy uses the same data."""
    return ExecutionSpec(
        commit=execution.commit.identifier if execution.commit else "",
        step=execution.step,
        environment=execution.environment.slug,
        image=execution.image,
        command=execution.command,
        title=execution.title,
        inputs={item["name"]: list(item["urls"]) for item in execution.inputs},
        parameters=dict(execution.parameters),
        environment_variables=dict(execution.environment_variables),
        environment_variable_groups=list(execution.environment_variable_groups),
        inherit_environment_variables=execution.inherit_environment_variables,
        tags=list(execution.tags),
        time_limit_seconds=execution.time_limit_seconds or 0,
        no_output_timeout_seconds=execution.no_output_timeout_seconds or 0,
        priority=execution.priority,
        runtime_config=_given_runtime_config(execution),
        runtime_config_preset=execution.runtime_config.get("preset", ""),
        stop_expression=execution.runtime_config.get("stop_expression", ""),
    )


def payload_from(execution: Execution) -> dict[str, Any]:
    """The body of a POST to the API that repeats the execution."""
    spec = spec_from(execution)
    runtime_config = {**spec.runtime_config, "no_output_timeout": spec.no_output_timeout_seconds}
    return {
        "project": str(execution.project_id),
        "commit": spec.commit,
        "step": spec.step,
        "environment": spec.environment,
        "image": spec.image,
        "command": spec.command,
        "title": spec.title,
        "inputs": spec.inputs,
        "parameters": spec.parameters,
        "environment_variables": spec.environment_variables,
        "environment_variable_groups": spec.environment_variable_groups,
        "inherit_environment_variables": spec.inherit_environment_variables,
        "tags": spec.tags,
        "time_limit": spec.time_limit_seconds,
        "priority": spec.priority,
        "runtime_config": runtime_config,
        "runtime_config_preset": spec.runtime_config_preset,
        "stop_expression": spec.stop_expression,
    }


@transaction.atomic
def stop_execution(*, execution: Execution, actor: User) -> None:
    """End it. The first call lets a running job save its outputs, the second ends it at once.

    Nothing happens to an execution that has ended. Statuses only go forward, so that trying the steps in their
    order hits the right one whatever happens meanwhile.
    """
    require(actor, Capability.RUN, execution.project)
    if lifecycle.mark_stopped_before_start(execution_id=execution.pk):
        after_commit(partial(queue.clear, queue.job_of(execution)))
        how = "before it started"
    elif lifecycle.mark_stopping(execution_id=execution.pk):
        after_commit(partial(queue.request_stop, execution.pk, kill=False))
        how = "asked to end"
    elif lifecycle.mark_kill_requested(execution_id=execution.pk):
        after_commit(partial(queue.request_stop, execution.pk, kill=True))
        how = "ended at once"
    else:
        return
    record("execution.stopped", actor=actor, target=execution, after={"how": how})


@transaction.atomic
def delete_execution(*, execution: Execution, actor: User) -> None:
    """Hide it; its number is never used again. Raises `ExecutionUnfinished`."""
    require(actor, Capability.EDIT, execution.project)
    hidden = Execution.objects.filter(pk=execution.pk, ended_at__isnull=False, deleted_at__isnull=True)
    if hidden.update(deleted_at=clock.now(), updated_at=clock.now()):
        record("execution.deleted", actor=actor, target=execution, before=_asked(execution))
        _tell_project(execution)
        return
    execution.refresh_from_db(fields=["status", "deleted_at"])
    if execution.deleted_at is None:
        raise ExecutionUnfinished(execution.counter, execution.status)


@transaction.atomic
def set_title(*, execution: Execution, actor: User, title: str) -> None:
    require(actor, Capability.EDIT, execution.project)
    before = execution.title
    _change(execution, title=checked_title(title))
    record_change(
        "execution.renamed",
        actor=actor,
        target=execution,
        before={"title": before},
        after={"title": execution.title},
    )


@transaction.atomic
def set_tags(*, execution: Execution, actor: User, tags: Sequence[str]) -> None:
    require(actor, Capability.EDIT, execution.project)
    _retag(execution, actor, execution.tags, tags)


@transaction.atomic
def add_tags(*, execution: Execution, actor: User, tags: Sequence[str]) -> None:
    """The union of what it has and `tags`; concurrent additions all stay."""
    require(actor, Capability.EDIT, execution.project)
    row = Execution.objects.select_for_update(no_key=True).only("tags").get(pk=execution.pk)
    _retag(execution, actor, row.tags, [*row.tags, *tags])


def set_status_detail(*, execution: Execution, text: str) -> None:
    """Short text from the running job itself."""
    shown = text.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_STATUS_DETAIL]
    _change(execution, status_detail=shown)


def after_commit(effect: Callable[[], Any]) -> None:
    """Run a Redis side effect after the commit. Redis being away is logged: the watchdog does it later."""
    transaction.on_commit(partial(_attempt, effect))


def _attempt(effect: Callable[[], Any]) -> None:
    try:
        effect()
    except redis.RedisError:
        logger.warning("Redis is away; the scheduler repeats what it missed")


def _change(execution: Execution, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(execution, name, value)
    execution.save(update_fields=[*fields, "updated_at"])
    notices.publish_on_commit(execution.topic, "state")
    _tell_project(execution)


def _retag(execution: Execution, actor: User, before: Sequence[str], tags: Sequence[str]) -> None:
    _change(execution, tags=checked_tags(tags))
    record_change(
        "execution.tagged",
        actor=actor,
        target=execution,
        before={"tags": list(before)},
        after={"tags": execution.tags},
    )


def _asked(execution: Execution) -> dict[str, Any]:
    """What an audit row says of it: which code ran where."""
    return {
        "commit": execution.commit.identifier if execution.commit else "",
        "step": execution.step,
        "environment": execution.environment.slug,
        "title": execution.title,
    }


def _tell_project(execution: Execution) -> None:
    facts = {"id": str(execution.pk), "counter": execution.counter, "status": execution.status}
    notices.publish_on_commit(f"project:{execution.project_id}", "execution", **facts)


def _given_runtime_config(execution: Execution) -> dict[str, Any]:
    """Without what has a field of its own in a request."""
    own = {"preset", "stop_expression", "no_output_timeout"}
    return {key: value for key, value in execution.runtime_config.items() if key not in own}
