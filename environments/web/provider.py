"""The page that says who starts an environment's machines. Whoever manages it looks and checks; superusers change it."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.configuration import Configuration
from common.errors import DomainError
from common.web.configuration import configuration_fields
from common.web.forms import CODE, SELECT, show_error
from common.web.pages import page
from environments import selectors
from environments.access import require_management
from environments.autoscaling.providers import PROVIDERS, provider_named
from environments.models import Environment
from environments.services import update_environment
from environments.services.provider import Check, check_provider, keys_of, policy_for

LONGEST_TEMPLATE = 16 * 1024


class ProviderForm(forms.Form):
    provider = forms.ChoiceField(required=False, widget=forms.Select(SELECT), label="Who starts machines")
    machine_template = forms.CharField(
        required=False, max_length=LONGEST_TEMPLATE, label="Machine template, JSON",
        widget=forms.Textarea({**CODE, "rows": 14, "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, data: Any, *, environment: Environment) -> None:
        shown = {
            "provider": environment.provider or "",
            "machine_template": _text(environment.machine_template),
        }
        super().__init__(data, initial=shown)
        self.environment = environment
        self.fields["provider"].choices = [  # type: ignore[attr-defined]
            ("", "Nobody: it has machines of its own"),
            *((name, provider_named(name).label) for name in PROVIDERS),
        ]
        self.keys = keys_of(environment)
        stored = Configuration({}, dict.fromkeys((key.name for key in self.keys), ""))
        has_stored = bool(environment.__dict__.get("provider_secrets"))
        self.fields.update(configuration_fields(self.keys, stored if has_stored else None))
        if environment.provider in PROVIDERS:
            self.fields["machine_template"].help_text = provider_named(environment.provider).template_help

    def clean_machine_template(self) -> dict[str, Any]:
        text = self.cleaned_data["machine_template"].strip()
        try:
            given = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from error
        if not isinstance(given, dict):
            raise forms.ValidationError('A template is an object, such as {"region": "eu-west-1"}.')
        return given

    def changes(self) -> dict[str, Any]:
        """What the service takes: an empty secret is left out, so that the stored one stays."""
        given = self.cleaned_data
        credentials = {key.name: given[key.name] for key in self.keys if given[key.name]}
        changed = {"provider": given["provider"] or None, "machine_template": given["machine_template"]}
        return changed | ({"provider_credentials": credentials} if credentials else {})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def provider(request: HttpRequest, environment: str) -> HttpResponse:
    managed = _managed(request, environment)
    form = ProviderForm(request.POST or None, environment=managed)
    if request.method == "POST" and form.is_valid():
        try:
            saved = update_environment(environment=managed, actor=user_of(request), **form.changes())
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Saved who starts machines for {managed.name}.")
            if keys_of(saved):
                return _render(request, saved, ProviderForm(None, environment=saved), check_provider(saved))
            return redirect("environment_provider", managed.slug)
    return _render(request, managed, form)


@page
@require_POST
def check(request: HttpRequest, environment: str) -> HttpResponse:
    """The page again, with what the cloud says."""
    managed = _managed(request, environment)
    try:
        checked = check_provider(managed)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("environment_provider", managed.slug)
    return _render(request, managed, ProviderForm(None, environment=managed), checked)


def _managed(request: HttpRequest, reference: str) -> Environment:
    shown = selectors.named(selectors.shown_environments(request.user), reference)
    require_management(user_of(request), shown)
    return shown


def _render(
    request: HttpRequest, managed: Environment, form: ProviderForm, checked: Check | None = None
) -> HttpResponse:
    context = {
        "environment": managed,
        "form": form,
        "may_change": user_of(request).is_superuser,
        "is_cloud": bool(form.keys),
        "checked": checked,
        "policy": checked.policy if checked else policy_for(managed),
    }
    return render(request, "environments/fleet/provider.html", context)


def _text(template: dict[str, Any]) -> str:
    return json.dumps(template, indent=2, ensure_ascii=False) if template else ""
