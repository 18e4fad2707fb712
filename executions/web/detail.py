"""The page of one execution, and the parts of it that it fetches again while the execution lives."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.current import user_of
from common.web.pages import page
from datastores.selectors import datums_for
from datastores.web.origins import with_stores
from datastores.web.rows import outputs_page
from executions import selectors
from executions.api.representation import alert_count
from executions.errors import ExecutionNotFound
from executions.models import Execution
from executions.web.facts import facts_of, live_state
from projects.selectors import get_project_by_name
from projects.web.context import rights_in

NO_OUTPUTS_YET = {
    "title": "No outputs yet",
    "text": "Files that the job writes into its outputs folder are kept when it ends. One that is made read-only is kept at once.",
    "command": "cp model.pkl /valohai/outputs/ && chmod 444 /valohai/outputs/model.pkl",
}
NO_OUTPUTS_ENDED = {
    "title": "This execution left no outputs",
    "text": "Whatever a job writes into /valohai/outputs is kept, also when it fails or is stopped. Anything else is gone with it.",
}


@page
@require_GET
def execution(request: HttpRequest, owner: str, project: str, execution_id: UUID) -> HttpResponse:
    found = execution_at(request, owner, project, execution_id)
    context = common_context(request, found) | {
        "facts": facts_of(found, user_of(request)),
        "state": live_state(found),
    }
    return with_stores(render(request, "executions/detail/page.html", context), found.project)


@page
@require_GET
def execution_facts(request: HttpRequest, owner: str, project: str, execution_id: UUID) -> HttpResponse:
    """The Details tab alone: its facts grow while the execution runs."""
    found = execution_at(request, owner, project, execution_id)
    context = common_context(request, found) | {"facts": facts_of(found, user_of(request))}
    return render(request, "executions/detail/_details.html", context)


@page
@require_GET
def execution_outputs(request: HttpRequest, owner: str, project: str, execution_id: UUID) -> HttpResponse:
    """One page of the outputs table; `?search=` and `?page=`."""
    found = execution_at(request, owner, project, execution_id)
    stored = datums_for(user_of(request)).filter(output_execution_id=found.pk).order_by("name", "created_at")
    context = common_context(request, found) | {
        "datums": outputs_page(request, stored, found.project),
        "shows_execution": False,
        "empty": NO_OUTPUTS_ENDED if found.is_final else NO_OUTPUTS_YET,
    }
    return render(request, "datastores/_datums.html", context)


def execution_at(request: HttpRequest, owner: str, project: str, execution_id: UUID) -> Execution:
    """`ExecutionNotFound` also when it is not in the project that the address names: an address tells one truth."""
    found = selectors.get_execution(user_of(request), str(execution_id))
    named = f"{owner}/{project}".lower()
    if found.project.full_name.lower() != named:
        get_project_by_name(user_of(request), owner, project)  # raises `ProjectMoved` for a former address
        raise ExecutionNotFound(str(execution_id))
    return found


def common_context(request: HttpRequest, execution: Execution) -> dict[str, object]:
    return {
        "execution": execution,
        "alert_count": alert_count(execution),
        "project": execution.project,
        **rights_in(execution.project, user_of(request)),
    }
