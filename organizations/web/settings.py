"""The tab of settings: rules of the organization, defaults of its projects, and its end."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page
from organizations import services
from organizations.models import Organization
from organizations.web.choices import environment_choices, store_choices
from organizations.web.forms import SettingsForm
from organizations.web.pages import organization_page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, "settings")
    found: Organization = context["organization"]
    form = SettingsForm(
        request.POST if request.method == "POST" else None,
        organization=found,
        environments=[choice for listing in environment_choices for choice in listing(found)],
        stores=[choice for listing in store_choices for choice in listing(found)],
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.change_settings(organization=found, actor=user_of(request), **form.cleaned_data)
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("organization_settings", found.name)
    return render(request, "organizations/settings.html", context | {"form": form})


@page
@require_POST
def delete(request: HttpRequest, organization: str) -> HttpResponse:
    found: Organization = organization_page(request, organization, "settings")["organization"]
    if request.POST.get("confirm") != found.name:
        messages.error(request, f"Nothing was deleted: type {found.name} to confirm.")
        return redirect("organization_settings", found.name)
    name = found.name
    try:
        services.delete_organization(organization=found, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("organization_settings", name)
    messages.success(request, f"Deleted {name}.")
    return redirect("home")
