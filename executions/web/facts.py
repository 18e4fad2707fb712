"""What the detail page shows of an execution beyond its columns: files behind inputs, variables, the worker's facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from common import clock
from common.rest.times import timestamp
from datastores.models import Datum
from datastores.selectors import datums_for
from executions.api.representation import alert_count, price
from executions.logs.application import NOTICES
from executions.models import Execution
from executions.types import ALERTS
from executions.used_files import datum_id_in
from executions.variables import known_variables, variables_beside
from organizations.access import organizations_of
from organizations.models import Team
from projects.types import ResolvedVariable

_SOUNDS_SECRET = re.compile(r"secret|token|passw|credential|private|api_?key|access_?key", re.IGNORECASE)
_RUNTIME_LABELS = {"runtime": "Runtime", "host": "Host", "image_id": "Image id", "python": "Python"}
_SHOWN_ELSEWHERE = {"image_digest", NOTICES, ALERTS}


@dataclass(frozen=True)
class InputFile:
    uri: str
    datum: Datum | None
    execution_url: str

    @property
    def web(self) -> bool:
        """Whether a browser may follow it. Only these schemes: an address is a user's text."""
        return self.uri.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Input:
    name: str
    files: list[InputFile]


@dataclass(frozen=True)
class Variable:
    name: str
    value: str
    hidden: bool


@dataclass(frozen=True)
class Facts:
    parameters: list[tuple[str, Any]]
    inputs: list[Input]
    variables: list[Variable]
    inherited: list[tuple[str, ResolvedVariable]]
    runtime: list[tuple[str, str]]
    alerts: list[str]
    notices: list[str]
    image_digest: str
    quota_team: Team | None
    waited: float | None
    price: float


def facts_of(execution: Execution, user: User) -> Facts:
    beside = variables_beside(execution)
    known = beside if execution.inherit_environment_variables else known_variables(execution)
    own = execution.environment_variables
    return Facts(
        parameters=sorted(execution.parameters.items()),  # the database does not keep their order
        inputs=inputs_of(execution, user),
        variables=[shown_variable(name, value, known) for name, value in own.items()],
        inherited=[(name, beside[name]) for name in sorted(beside) if name not in own],
        runtime=runtime_facts(execution.runtime_facts),
        alerts=[str(alert["text"]) for alert in execution.runtime_facts.get(ALERTS, [])],
        notices=[str(notice) for notice in execution.runtime_facts.get(NOTICES, [])],
        image_digest=str(execution.runtime_facts.get("image_digest") or ""),
        quota_team=quota_team_of(execution, user),
        waited=waited_seconds(execution),
        price=price(execution),
    )


def quota_team_of(execution: Execution, user: User) -> Team | None:
    """Whose place it takes. A team that is not the project's has a name for members of its organization only."""
    team = execution.quota_team
    if team is None or team.pk == execution.project.team_id:
        return team
    known = Team.objects.filter(organizations_of(user, "organization_id"), pk=team.pk)
    return team if known.exists() else None


def inputs_of(execution: Execution, user: User) -> list[Input]:
    wanted = {identity for item in execution.inputs for uri in item["urls"] if (identity := datum_id_in(uri))}
    # An input may be a file of another project: shown by name only to those who see it there.
    datums = {datum.pk: datum for datum in datums_for(user).filter(pk__in=wanted)} if wanted else {}
    return [
        Input(item["name"], [input_file(uri, datums) for uri in item["urls"]])
        for item in execution.inputs
    ]  # fmt: skip


def input_file(uri: str, datums: Mapping[UUID, Datum]) -> InputFile:
    identity = datum_id_in(uri)
    datum = datums.get(identity) if identity else None
    url = ""
    if datum and datum.output_execution_id:
        project = datum.project
        names = {"owner": project.owner.name, "project": project.name}
        url = reverse("execution", kwargs={**names, "execution_id": datum.output_execution_id})
    return InputFile(uri, datum, url)


def shown_variable(name: str, value: object, known: Mapping[str, ResolvedVariable]) -> Variable:
    """What is a secret where it could be inherited from, or is called like one, is not sent to the browser."""
    elsewhere = known.get(name)
    hidden = bool(elsewhere and elsewhere.secret) or bool(_SOUNDS_SECRET.search(name))
    return Variable(name, "" if hidden else str(value), hidden)


def runtime_facts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_RUNTIME_LABELS.get(name, name.replace("_", " ").capitalize()), str(value))
        for name, value in facts.items()
        if name not in _SHOWN_ELSEWHERE and value not in (None, "", [], {})
    ]


def waited_seconds(execution: Execution) -> float | None:
    if execution.queued_at is None or execution.started_at is None:
        return None
    return (execution.started_at - execution.queued_at).total_seconds()


def live_state(execution: Execution) -> dict[str, Any]:
    """What the page's scripts begin with, in the shape of the socket's state message."""
    return {
        "status": execution.status,
        "status_detail": execution.status_detail,
        "waiting_reason": execution.waiting_reason,
        "error_text": execution.error_text,
        "exit_code": execution.exit_code,
        "queued_at": timestamp(execution.queued_at),
        "started_at": timestamp(execution.started_at),
        "ended_at": timestamp(execution.ended_at),
        "log_line_count": execution.log_line_count,
        "metadata_count": execution.metadata_count,
        "output_count": execution.output_count,
        "worker_identity": execution.worker_identity,
        "alert_count": alert_count(execution),
        "cumulative_metadata": execution.cumulative_metadata,
        "latest_stats": execution.latest_stats,
        "stop_requested": execution.stop_requested_at is not None,
        "kill_requested": execution.kill_requested_at is not None,
        "deleted": execution.deleted_at is not None,
        "created_at": timestamp(execution.created_at),
        "time": timestamp(clock.now()),
    }
