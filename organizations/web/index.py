"""The organizations of somebody: the list, a new one, leaving one, and which of them they work in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page
from organizations import selectors, services
from organizations.web import context
from organizations.web.forms import OrganizationForm


@page
@require_http_methods(["GET", "HEAD", "POST"])
def organizations(request: HttpRequest) -> HttpResponse:
    """The list; a POST leaves one of them, also one that wants a second factor which one does not have."""
    user = user_of(request)
    if request.method == "POST":
        return _leave(request, request.POST.get("leave", ""))
    listed = {
        "memberships": selectors.own_memberships(user),
        "shut": frozenset(selectors.shut_organizations(user)),
        "may_create": services.may_create_organizations(user),
    }
    return render(request, "organizations/index.html", listed)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_organization(actor=user_of(request), name=form.cleaned_data["name"])
        except DomainError as error:
            show_error(form, error)
        else:
            context.choose(request, made.pk)
            messages.success(request, f"Created {made}. Invite the people who work in it.")
            return redirect("organization_invitations", made.name)
    may_create = services.may_create_organizations(user_of(request))
    return render(request, "organizations/create.html", {"form": form, "may_create": may_create})


@page
@require_GET
def overview(request: HttpRequest, organization: str) -> HttpResponse:
    found = selectors.get_organization_by_name(user_of(request), organization)
    return redirect("organization_members", found.name)


@page
@require_POST
def switch_context(request: HttpRequest) -> HttpResponse:
    owner = request.POST.get("owner", "")
    chosen = int(owner) if owner.isascii() and owner.isdigit() and len(owner) < 19 else None
    context.choose(request, chosen)
    return redirect(reverse("home"))


def _leave(request: HttpRequest, name: str) -> HttpResponse:
    user = user_of(request)
    try:
        left = selectors.get_own_membership(user, name).organization
        services.leave(organization=left, user=user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"You have left {left}.")
    return redirect("organizations")
