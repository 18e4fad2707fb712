"""The form that creates an execution. It posts to the public API, so that the API can do what the form can."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.current import user_of
from accounts.models import User
from common.web.pages import page
from environments.selectors import environments_for_project
from executions import selectors, services
from executions.errors import ExecutionNotFound
from executions.reproduction import Weight, differences
from executions.web import form_facts
from organizations.access import Capability, require
from projects.config import parsed
from projects.errors import ConfigBroken
from projects.models import Commit, Project
from projects.selectors import commits_for, effective_variables, groups_of, resolve_commit
from projects.web.context import project_page

SHOWN_COMMITS = 200


@page
@require_GET
def create(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = project_page(request, owner, project, "executions")
    require(user_of(request), Capability.RUN, context["project"])
    facts = facts_for(request, context["project"])
    context |= {"facts": facts, "host": request.build_absolute_uri("/")}
    if facts["given"]:
        context |= compared(user_of(request), facts["given"]["copied_from"])
    return render(request, "executions/create.html", context)


@page
@require_GET
def create_facts(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """The same facts for another commit or step, while the form is open."""
    found: Project = project_page(request, owner, project, "executions")["project"]
    require(user_of(request), Capability.RUN, found)
    return JsonResponse(facts_for(request, found))


def facts_for(request: HttpRequest, project: Project) -> dict[str, Any]:
    user = user_of(request)
    given = copied(user, project, request.GET.get("from", ""))
    listed = [form_facts.commit_facts(commit) for commit in commits_for(user, project)[:SHOWN_COMMITS]]
    wanted = request.GET.get("commit") or (given or {}).get("commit", "")
    commit = resolve_commit(project, wanted) if wanted else newest_usable(user, project)
    if commit and commit.identifier not in {known["identifier"] for known in listed}:
        listed.insert(0, form_facts.commit_facts(commit))
    step = request.GET.get("step") or (given or {}).get("step", "")
    return {
        "project": {"id": str(project.pk), "name": project.full_name, "yaml_path": project.yaml_path},
        "commits": listed,
        "branches": form_facts.branches_of(listed),
        "commit": commit.identifier if commit else "",
        "given": given,
        "environments": form_facts.environment_facts(environments_for_project(user, project)),
        "installation": {"no_output_timeout": settings.DEFAULT_NO_OUTPUT_TIMEOUT_SECONDS},
        "default_environment": project.default_environment_slug,
        "inherited": form_facts.inherited_facts(effective_variables(project)),
        "groups": form_facts.group_facts(groups_of(project)),
        **config_facts(commit, step),
    }


def config_facts(commit: Commit | None, wanted_step: str) -> dict[str, Any]:
    """The commit's steps and the chosen one, or why there are none."""
    nothing: dict[str, Any] = {"steps": [], "step": None, "problem": "", "problems": []}
    if commit is None:
        return nothing
    try:
        steps = parsed(commit).steps
    except ConfigBroken as error:
        return {**nothing, "problem": error.message, "problems": commit.config_errors}
    chosen = steps.get(wanted_step) or next(iter(steps.values()), None)
    names = [{"name": step.name, "category": step.category or "", "icon": ""} for step in steps.values()]
    missing = f"This commit has no step “{wanted_step}”." if wanted_step and wanted_step not in steps else ""
    return {
        "steps": names,
        "step": form_facts.step_facts(chosen) if chosen else None,
        "problem": missing,
        "problems": [],
    }


def copied(user: User, project: Project, reference: str) -> dict[str, Any] | None:
    """What to send to run that execution again, when there is one to copy."""
    if not reference:
        return None
    execution = selectors.get_execution(user, reference)
    if execution.project_id != project.pk:
        raise ExecutionNotFound(reference)
    return {
        **services.payload_from(execution),
        "copied_from": str(execution.pk),
        "counter": execution.counter,
    }


def compared(user: User, execution_id: str) -> dict[str, Any]:
    """What the same execution would meet today."""
    found = differences(user, selectors.get_execution(user, execution_id))
    return {"differences": found, "possible": not any(item.weight is Weight.BLOCKS for item in found)}


def newest_usable(user: User, project: Project) -> Commit | None:
    """The newest git commit whose configuration can be used, else the newest commit of any kind."""
    commits = commits_for(user, project)
    return commits.filter(config__isnull=False, adhoc=False).first() or commits.first()
