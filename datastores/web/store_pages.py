"""Pages of data stores: those that an organization shares, and those of one project. Both are the same pages at two places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.current import user_of
from common.errors import DomainError, NotFound
from common.rest.links import base_url
from common.web.forms import show_error
from datastores import connecting, trials
from datastores.defaults import default_stores_of
from datastores.errors import StoreNotFound
from datastores.kinds import KEYS
from datastores.models import DataStore
from datastores.web.store_forms import FOR_TEAMS, StoreForm
from organizations.models import Organization
from projects.models import Project


@dataclass(frozen=True)
class Place:
    """Where the pages are, and what stores that are connected there belong to."""

    stores: QuerySet[DataStore]
    base_template: str
    url_of: Callable[..., str]
    """(page, kind=..., store_id=...) -> address; pages: list, create, edit, trial, delete."""
    organization: Organization | None = None
    project: Project | None = None

    def found(self, store_id: UUID) -> DataStore:
        store = self.stores.filter(pk=store_id).first()
        if store is None:
            raise StoreNotFound(store_id)
        return store


def kinds_of(place: Place) -> list[tuple[str, str]]:
    """(address of the form, label) of each kind that can be connected."""
    return [(place.url_of("create", kind=kind), label_of(kind)) for kind in KEYS]


def create(request: HttpRequest, place: Place, context: dict[str, Any], kind: str) -> HttpResponse:
    if kind not in KEYS:
        raise NotFound(f"There is no kind of data store called '{kind}'.")
    form = _form(request, place, kind)
    if request.method == "POST" and form.is_valid():
        try:
            store = connecting.connect_store(
                actor=user_of(request),
                owner=place.organization.owner if place.organization else None,
                project=place.project,
                kind=kind,
                name=form.cleaned_data["name"],
                configuration=form.configuration(),
                rights=form.rights(),
                **_reach(form, place),
            )
        except DomainError as error:
            show_error(form, error)
        else:
            messages.success(request, f"Connected {store.name}. Test it now.")
            return redirect(place.url_of("trial", store_id=store.pk))
    shown = {"form": form, "kind_label": label_of(kind), "list_url": place.url_of("list")}
    return _render(request, place, "edit", context | shown)


def edit(request: HttpRequest, place: Place, context: dict[str, Any], store_id: UUID) -> HttpResponse:
    store = place.found(store_id)
    form = _form(request, place, store.kind, store)
    if request.method == "POST" and form.is_valid():
        try:
            connecting.change_store(
                store=store,
                actor=user_of(request),
                name=form.cleaned_data["name"],
                configuration=form.configuration(store),
                rights=form.rights(),
                **_reach(form, place),
            )
        except DomainError as error:
            store.refresh_from_db()
            show_error(form, error)
        else:
            messages.success(request, "Saved. Test it now.")
            return redirect(place.url_of("trial", store_id=store.pk))
    shown = {
        "form": form,
        "store": store,
        "kind_label": label_of(store.kind),
        "list_url": place.url_of("list"),
    }
    return _render(request, place, "edit", context | shown)


def trial(request: HttpRequest, place: Place, context: dict[str, Any], store_id: UUID) -> HttpResponse:
    """Try it out. The page asks first: a GET must not write into somebody's bucket."""
    store = place.found(store_id)
    steps = None
    if request.method == "POST":
        steps = trials.try_store(store=store, actor=user_of(request), base_url=base_url(request))
    shown = {
        "store": store,
        "steps": steps,
        "list_url": place.url_of("list"),
        "edit_url": place.url_of("edit", store_id=store.pk),
    }
    return _render(request, place, "trial", context | shown)


def delete(request: HttpRequest, place: Place, store_id: UUID) -> HttpResponse:
    store = place.found(store_id)
    try:
        connecting.disconnect_store(store=store, actor=user_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Disconnected {store.name}. Its files stay where they are.")
    return redirect(place.url_of("list"))


def label_of(kind: str) -> str:
    return {
        DataStore.Kind.S3: "Amazon S3 and compatible",
        DataStore.Kind.GOOGLE: "Google Cloud Storage",
        DataStore.Kind.AZURE: "Azure Blob Storage",
        DataStore.Kind.SWIFT: "OpenStack Swift",
    }.get(DataStore.Kind(kind), "The installation's storage")


def _form(request: HttpRequest, place: Place, kind: str, store: DataStore | None = None) -> StoreForm:
    teams = place.organization.teams.order_by("name") if place.organization else None
    return StoreForm(request.POST or None, kind=kind, store=store, teams=teams)


def _reach(form: StoreForm, place: Place) -> dict[str, Any]:
    """Who may use it, as the services take it."""
    if place.organization is None:
        return {}
    mode = form.cleaned_data["access_mode"]
    chosen = form.cleaned_data["teams"] if mode == FOR_TEAMS else []
    return {"access_mode": mode, "teams": list(place.organization.teams.filter(pk__in=chosen))}


def _render(request: HttpRequest, place: Place, name: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, f"datastores/stores/{name}.html", context | {"base_template": place.base_template})


def default_choices(organization: Organization) -> list[tuple[str, str]]:
    """What may be the store of new projects of the organization."""
    return [(str(store.pk), store.name) for store in default_stores_of(organization) if not store.is_default]
