"""Everything a worker needs to run one attempt at one execution, as one JSON object."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from common.files import presign_get
from environments.mounts import Mount, decide
from executions.agent_api.inputs import first_entries, input_entries
from executions.agent_api.secrets import secret_names
from executions.models import Execution
from executions.queue import job_token
from executions.types import Status
from executions.variables import known_variables, variables_beside
from projects.types import ResolvedVariable


def job_details(
    execution: Execution, base_url: str, *, in_pages: bool = False, in_packages: bool = False
) -> dict[str, Any]:
    """`base_url` is the scheme and host by which the worker reached us; every address in the answer uses it.

    With `in_pages`, `next_files` says where the pages of the inputs' files begin; null when the inputs hold all of them. With
    `in_packages` too, files in the pages may be in packages.
    Raises a `DomainError` when something it needs is gone, such as a purged input.
    """
    known = known_variables(execution)
    return {
        **_inputs(execution, base_url, in_pages, in_packages),
        "execution_id": str(execution.pk),
        "epoch": execution.epoch,
        "counter": execution.counter,
        "project_id": str(execution.project_id),
        "project_name": execution.project.full_name,
        "title": execution.title,
        "step": execution.step,
        "image": execution.image,
        "command": execution.interpolated_command,
        "environment_variables": environment_variables(execution, known),
        "secret_names": secret_names(known),
        "code": _code(execution, base_url),
        "mounts": _mounts(execution),
        "config": {
            "execution": execution_config(execution),
            "parameters": execution.parameters,
            "runtime": {},
            "api": _api_config(execution, base_url),
        },
        "limits": _limits(execution),
        "lease": {"seconds": settings.LEASE_SECONDS, "heartbeat_seconds": settings.HEARTBEAT_SECONDS},
    }


def _inputs(execution: Execution, base_url: str, in_pages: bool, in_packages: bool) -> dict[str, Any]:
    if not in_pages:
        return {"inputs": input_entries(execution, base_url)}
    entries, cursor = first_entries(execution, base_url, in_packages=in_packages)
    return {"inputs": entries, "next_files": cursor.as_json() if cursor else None}


def environment_variables(execution: Execution, known: Mapping[str, ResolvedVariable]) -> dict[str, str]:
    """Inherited ones and those of groups, under the execution's own (which include the step's), under the identity."""
    beside = known if execution.inherit_environment_variables else variables_beside(execution)
    others = {name: variable.value for name, variable in beside.items()}
    identity = {
        "VH_JOB_ID": f"exec-{execution.pk}",
        "VH_EXECUTION_ID": str(execution.pk),
        "VH_PROJECT_ID": str(execution.project_id),
    }
    return {**others, **execution.environment_variables, **identity}


def execution_config(execution: Execution) -> dict[str, Any]:
    """The flat object that becomes execution.json."""
    creator = execution.creator
    environment = execution.environment
    return {
        "valohai.commit-identifier": execution.commit.identifier if execution.commit else None,
        "valohai.creator-email": (creator.email or None) if creator else None,
        "valohai.creator-id": creator.pk if creator else None,
        "valohai.creator-name": creator.display_name if creator else None,
        "valohai.environment-id": str(environment.pk),
        "valohai.environment-name": environment.name,
        "valohai.environment-slug": environment.slug,
        "valohai.execution-counter": execution.counter,
        "valohai.execution-ctime": execution.created_at.isoformat(timespec="microseconds"),
        "valohai.execution-duration": None,
        "valohai.execution-id": str(execution.pk),
        "valohai.execution-image": execution.image,
        "valohai.execution-qtime": (
            execution.queued_at.isoformat(timespec="microseconds") if execution.queued_at else None
        ),
        # As the official product writes it: the status when the configuration was made, not the current one.
        "valohai.execution-status": Status.CREATED.value,
        "valohai.execution-step": execution.step,
        "valohai.execution-tags": execution.tags,
        "valohai.execution-title": execution.title or None,
        "valohai.pipeline-counter": None,
        "valohai.pipeline-id": None,
        "valohai.project-id": str(execution.project_id),
        "valohai.project-name": execution.project.full_name,
        "valohai.task-counter": None,
        "valohai.task-id": None,
    }


def _code(execution: Execution, base_url: str) -> dict[str, Any] | None:
    commit = execution.commit
    if commit is None:
        return None
    grant = presign_get(
        commit.archive_key,
        filename=f"{commit.short_identifier.lstrip('~')}.tar.gz",
        base_url=base_url,
    )
    return {
        "identifier": commit.identifier,
        "url": grant.url,
        "sha256": commit.archive_sha256,
        "size": commit.archive_size_bytes,
    }


def _api_config(execution: Execution, base_url: str) -> dict[str, Any]:
    """Keyword arguments of HTTP requests that the user's code can make; the token is good for this attempt only."""
    headers = {"Authorization": f"Job {job_token(execution.pk, execution.epoch)}"}
    where = {"execution_id": execution.pk, "epoch": execution.epoch}

    def call(view_name: str) -> dict[str, Any]:
        return {"method": "POST", "url": base_url + reverse(view_name, kwargs=where), "headers": headers}

    return {"set_status_detail": call("agent-status-detail"), "input_request": call("agent-input-request")}


def _mounts(execution: Execution) -> dict[str, Any]:
    """What the environment allows now. `notes` are for the log; a run whose mounts are `required` ends when one is refused."""
    environment = execution.environment
    decisions = decide(map(Mount.from_json, execution.mounts), environment.rules_of_mounts, environment.name)
    return {
        "allowed": [
            {**decision.mount.as_json(), "readonly": decision.readonly}
            for decision in decisions
            if decision.allowed
        ],
        "refused": [decision.note for decision in decisions if not decision.allowed],
        "notes": [decision.note for decision in decisions if decision.allowed and decision.note],
        "required": environment.requires_mounts,
    }


def _limits(execution: Execution) -> dict[str, Any]:
    return {
        "time_limit_seconds": execution.time_limit_seconds,
        "no_output_timeout_seconds": execution.no_output_timeout_seconds,
        "stop_grace_seconds": settings.STOP_GRACE_SECONDS,
        "log_lines_per_second": execution.environment.log_lines_per_second,
    }
