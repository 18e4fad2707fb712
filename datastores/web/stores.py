"""The tab Data stores of an organization: what it shares with its projects, or with some of its teams."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError, NotFound
from common.web.forms import show_error
from common.web.pages import page
from datastores import connecting, selectors, trials
from datastores.errors import StoreNotFound
from datastores.kinds import KEYS
from datastores.models import DataStore
from datastores.web.store_forms import FOR_TEAMS, StoreForm
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page

TAB = OrganizationTab("stores", "Data stores", "organization_stores", 50)


@page
@require_GET
def stores(request: HttpRequest, organization: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    context |= {"stores": selectors.stores_of(context["organization"]), "kinds": kinds()}
    return render(request, "datastores/stores/list.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, organization: str, kind: str) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    owner: Organization = context["organization"]
    if kind not in KEYS:
        raise NotFound(f"There is no kind of data store called '{kind}'.")
    form = StoreForm(request.POST or None, kind=kind, teams=owner.teams.order_by("name"))
    if request.method == "POST" and form.is_valid():
        try:
            store = connecting.connect_store(
                actor=user_of(request), owner=owner.owner, kind=kind, name=form.cleaned_data["name"],
                configuration=form.configuration(), **reach(form, owner), rights=form.rights(),
            )  # fmt: skip
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Connected {store.name}.")
            return to_trial(owner, store)
    return render(
        request, "datastores/stores/edit.html", context | {"form": form, "kind_label": label_of(kind)}
    )


@page
@require_http_methods(["GET", "HEAD", "POST"])
def store(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    owner: Organization = context["organization"]
    found = _found(owner, store_id)
    form = StoreForm(request.POST or None, kind=found.kind, store=found, teams=owner.teams.order_by("name"))
    if request.method == "POST" and form.is_valid():
        try:
            connecting.change_store(
                store=found, actor=user_of(request), name=form.cleaned_data["name"],
                configuration=form.configuration(found), **reach(form, owner), rights=form.rights(),
            )  # fmt: skip
        except DomainError as error:
            found.refresh_from_db()
            show_error(form, error)
        else:
            messages.success(request, "Saved.")
            return to_trial(owner, found)
    context |= {"form": form, "store": found, "kind_label": label_of(found.kind)}
    return render(request, "datastores/stores/edit.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    """Try it out. The page asks first: a GET must not write into somebody's bucket."""
    context = organization_page(request, organization, TAB.name)
    found = _found(context["organization"], store_id)
    steps = None
    if request.method == "POST":
        base_url = request.build_absolute_uri("/").rstrip("/")
        steps = trials.try_store(store=found, actor=user_of(request), base_url=base_url)
    return render(request, "datastores/stores/trial.html", context | {"store": found, "steps": steps})


@page
@require_POST
def delete(request: HttpRequest, organization: str, store_id: UUID) -> HttpResponse:
    context = organization_page(request, organization, TAB.name)
    found = _found(context["organization"], store_id)
    try:
        connecting.disconnect_store(store=found, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Disconnected {found.name}. Its files stay where they are.")
    return redirect(TAB.view_name, context["organization"].name)


def kinds() -> list[tuple[str, str]]:
    return [(kind, label_of(kind)) for kind in KEYS]


def label_of(kind: str) -> str:
    return {
        DataStore.Kind.S3: "Amazon S3 and compatible",
        DataStore.Kind.GOOGLE: "Google Cloud Storage",
        DataStore.Kind.AZURE: "Azure Blob Storage",
        DataStore.Kind.SWIFT: "OpenStack Swift",
    }.get(DataStore.Kind(kind), "The installation's storage")


def reach(form: StoreForm, organization: Organization) -> dict[str, Any]:
    """Who may use it, as the services take it."""
    mode = form.cleaned_data["access_mode"]
    chosen = form.cleaned_data["teams"] if mode == FOR_TEAMS else []
    return {"access_mode": mode, "teams": list(organization.teams.filter(pk__in=chosen))}


def to_trial(organization: Organization, store: DataStore) -> HttpResponse:
    where = {"organization": organization.name, "store_id": store.pk}
    return redirect(reverse("organization_store_trial", kwargs=where))


def _found(organization: Organization, store_id: UUID) -> DataStore:
    found = selectors.stores_of(organization).filter(pk=store_id).first()
    if found is None:
        raise StoreNotFound(store_id)
    return found
