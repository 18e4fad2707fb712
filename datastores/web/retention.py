"""The tab Retention of project settings: rules, and for each one what it would purge."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.current import user_of
from accounts.models import User
from common.errors import DomainError
from common.web.forms import CHECK, CODE, SELECT, TEXT, show_error
from common.web.pages import page
from datastores.models import RetentionRule
from datastores.names import MAX_TAG_LENGTH
from datastores.retention import selectors, services
from datastores.retention.errors import RuleNotFound
from projects.models import Project
from projects.web.settings_tabs import settings_page

TAB = "retention"
FILES_PER_PAGE = 100
_FIRST_AGE_DAYS = 90


class RuleForm(forms.Form):
    name = forms.CharField(max_length=services.LONGEST_NAME, widget=forms.TextInput(TEXT))
    min_age_days = forms.IntegerField(
        label="Older than (days)", min_value=1, max_value=services.MOST_DAYS, widget=forms.NumberInput(TEXT)
    )
    store = forms.ChoiceField(required=False, label="In the data store", widget=forms.Select(SELECT))
    tag = forms.CharField(
        required=False, max_length=MAX_TAG_LENGTH, label="With the tag", widget=forms.TextInput(TEXT)
    )
    name_pattern = forms.CharField(
        required=False,
        max_length=services.LONGEST_PATTERN,
        label="With a name such as",
        widget=forms.TextInput({**CODE, "placeholder": "checkpoints/**.pt"}),
        help_text="* stands for anything within a folder, ** for anything.",
    )
    only_unused = forms.BooleanField(
        required=False, label="Only files that nothing has ever used", widget=forms.CheckboxInput(CHECK)
    )

    def __init__(self, data: Any, *, project: Project, rule: RetentionRule | None = None) -> None:
        super().__init__(data, initial=_initial(rule))
        self._stores = {str(store.pk): store for store in selectors.stores_for_rules(project)}
        named = [(pk, store.name) for pk, store in self._stores.items()]
        self.fields["store"].choices = [("", "Every store"), *named]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        return {**self.cleaned_data, "store": self._stores.get(self.cleaned_data["store"])}


@page
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = settings_page(request, owner, project, TAB)
    found: Project = context["project"]
    form = RuleForm(request.POST or None, project=found)
    if request.method == "POST" and form.is_valid():
        try:
            rule = services.create_rule(project=found, actor=user_of(request), **form.values())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"{rule.name} is there. It does nothing until you try and enable it.")
            return redirect("project_retention_rule", found.owner.name, found.name, rule.pk)
    context |= {"rules": selectors.rules_of(user_of(request), found), "form": form}
    return render(request, "datastores/retention/list.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, owner: str, project: str, rule_id: UUID) -> HttpResponse:
    """What the rule says and would purge; its buttons post to it as well."""
    context = settings_page(request, owner, project, TAB)
    found: Project = context["project"]
    shown = selectors.get_rule(user_of(request), rule_id)
    if shown.project_id != found.pk:
        raise RuleNotFound
    form = RuleForm(None, project=found, rule=shown)
    if request.method == "POST":
        action = request.POST.get("action", "")
        if action in _ACTIONS:
            return _act(request, found, shown, action)
        form = RuleForm(request.POST, project=found, rule=shown)
        if form.is_valid():
            try:
                services.change_rule(rule=shown, actor=user_of(request), **form.values())
            except DomainError as error:
                show_error(form, error)
            else:
                messages.success(request, "Saved. A changed rule is off until it is tried again.")
                return redirect(request.path)
    files = Paginator(selectors.doomed(shown), FILES_PER_PAGE) if shown.tried_at else None
    context |= {
        "rule": shown,
        "form": form,
        "page": files.get_page(request.GET.get("page")) if files else None,
    }
    return render(request, "datastores/retention/rule.html", context)


def _act(request: HttpRequest, project: Project, rule: RetentionRule, action: str) -> HttpResponse:
    _ACTIONS[action](rule, user_of(request))
    messages.success(request, _DONE[action].format(rule=rule.name))
    if action == "delete":
        return redirect("project_retention", project.owner.name, project.name)
    return redirect(request.path)


_ACTIONS: dict[str, Callable[[RetentionRule, User], object]] = {
    "try": lambda rule, actor: services.try_rule(rule=rule, actor=actor),
    "enable": lambda rule, actor: services.enable_rule(rule=rule, actor=actor),
    "disable": lambda rule, actor: services.disable_rule(rule=rule, actor=actor),
    "delete": lambda rule, actor: services.delete_rule(rule=rule, actor=actor),
}
_DONE = {
    "try": "Nothing was purged. Below is what would go.",
    "enable": "{rule} is on. It purges from the next night on.",
    "disable": "{rule} is off.",
    "delete": "{rule} is deleted.",
}


def _initial(rule: RetentionRule | None) -> dict[str, Any]:
    if rule is None:
        return {"only_unused": True, "min_age_days": _FIRST_AGE_DAYS}
    shown = {name: getattr(rule, name) for name in services.FIELDS}
    return {**shown, "store": str(rule.store_id or "")}
