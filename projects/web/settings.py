"""Project settings: one address per tab, one small view per thing that can be saved."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError, NotFound
from common.web.forms import show_error
from common.web.pages import page
from projects import selectors, services
from projects.models import DEFAULT_FETCH_REFERENCE, Project
from projects.web.administration import administration
from projects.web.audit import audit
from projects.web.choices import environment_choices
from projects.web.collaborators import collaborators
from projects.web.context import project_page
from projects.web.forms import GeneralForm, RepositoryForm, VariableForm
from projects.web.settings_tabs import settings_page, to_tab


@page
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, owner: str, project: str, tab: str = "general") -> HttpResponse:
    context = settings_page(request, owner, project, tab)
    show = {
        "general": general,
        "repository": repository,
        "variables": variables,
        "collaborators": collaborators,
        "audit": audit,
        "administration": administration,
    }
    if tab not in show:
        raise NotFound(f"Project settings have no page '{tab}'.")
    return show[tab](request, context["project"], context)


def general(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    fields = ("name", "description", "default_environment_slug", "yaml_path")
    choices = [choice for listing in environment_choices for choice in listing(user_of(request), project)]
    current = project.default_environment_slug
    if current and current not in dict(choices):
        choices.append((current, f"{current} (not available to you)"))
    form = GeneralForm(
        request.POST or None, environments=choices, initial={name: getattr(project, name) for name in fields}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_project(project=project, actor=user_of(request), **form.cleaned_data)
        except DomainError as error:
            project.refresh_from_db()
            show_error(form, error)
        else:
            messages.success(request, "Saved.")
            return to_tab(project, "general")
    return render(request, "projects/settings/general.html", context | {"form": form})


def repository(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    linked = context["repository"]
    initial = {
        "url": linked.url if linked else "",
        "fetch_reference": linked.fetch_reference if linked else DEFAULT_FETCH_REFERENCE,
        "lfs_enabled": linked.lfs_enabled if linked else False,
    }
    form = RepositoryForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            link_and_fetch(request, project, form)
        except DomainError as error:
            show_error(form, error)
        else:
            return to_tab(project, "repository")
    return render(request, "projects/settings/repository.html", context | {"form": form})


def link_and_fetch(request: HttpRequest, project: Project, form: RepositoryForm) -> None:
    """Save, then fetch at once, so that a wrong address or key shows while one still looks at it."""
    user, given = user_of(request), form.cleaned_data
    services.set_repository(
        project=project,
        actor=user,
        url=given["url"],
        fetch_reference=given["fetch_reference"],
        **form.secrets,
        lfs_enabled=given["lfs_enabled"],
    )
    project.refresh_from_db()
    try:
        result = services.fetch_repository(project=project, actor=user)
    except DomainError as error:
        messages.warning(request, f"Saved, but the fetch failed. {error.message}")
        return
    for problem in result.errors:
        messages.error(request, problem)
    if result.commits:
        newest = result.commits[0]
        count = len(result.commits)
        messages.success(
            request, f"Saved. {count} new commit{'' if count == 1 else 's'}; newest {newest} ({newest.ref})."
        )
    elif not result.errors:
        messages.success(request, "Saved. The repository has nothing new.")


@page
@require_POST
def new_key(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    found: Project = project_page(request, owner, project, "settings")["project"]
    try:
        services.generate_deploy_key(project=found, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, "A new key is ready. Add its public half to the repository, then save to fetch."
        )
    return to_tab(found, "repository")


@page
@require_POST
def forget_host(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    found: Project = project_page(request, owner, project, "settings")["project"]
    services.forget_known_hosts(project=found, actor=user_of(request))
    messages.success(
        request, "The host key is forgotten. The next fetch trusts the key that the host then shows."
    )
    return to_tab(found, "repository")


def variables(request: HttpRequest, project: Project, context: dict[str, Any]) -> HttpResponse:
    form = VariableForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_variable(project=project, actor=user_of(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Saved {form.cleaned_data['name']}.")
            return to_tab(project, "variables")
    own = selectors.variables_of(project)
    inherited = [
        (name, variable)
        for name, variable in sorted(selectors.effective_variables(project).items())
        if name not in own
    ]
    context |= {"form": form, "variables": own.values(), "inherited": inherited}
    return render(request, "projects/settings/variables.html", context)


@page
@require_POST
def delete_variable(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    found: Project = project_page(request, owner, project, "settings")["project"]
    name = request.POST.get("name", "")
    services.delete_variable(project=found, actor=user_of(request), name=name)
    messages.success(request, f"Deleted {name}.")
    return to_tab(found, "variables")
