"""The Adopt section of a project's Data tab: a form, adoptions so far, and each one's progress and results."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError, NotFound
from common.web.forms import CODE, SELECT, show_error
from common.web.pages import page, wants_fragment
from datastores.addresses import prefix_of
from datastores.adoption import rules, services
from datastores.adoption.selectors import adoptable_stores, adoptions_for, get_adoption, results_of
from datastores.models import Adoption, AdoptionResult, DataStore
from organizations.access import Capability, require
from projects.models import Project
from projects.web.context import project_page

ADOPTIONS_PER_PAGE = 50
RESULTS_PER_PAGE = 100
_LONGEST_TEXT = 2_000_000


class AdoptionForm(forms.Form):
    store = forms.ChoiceField(label="Store", widget=forms.Select(SELECT))
    addresses = forms.CharField(
        label="Addresses, one per line",
        max_length=_LONGEST_TEXT,
        widget=forms.Textarea({**CODE, "rows": 5}),
        help_text="Files, folders with their slash, or wildcards: * within a level, ** across levels. "
        f"At most {rules.MOST_ADDRESSES:,} lines; a folder may hold any number of files.",
    )

    def __init__(self, data: Any, *, stores: list[DataStore], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self._stores = {str(store.pk): store for store in stores}
        choices = [(key, f"{store.name} ({prefix_of(store)})") for key, store in self._stores.items()]
        self.fields["store"].choices = choices  # type: ignore[attr-defined]
        prefix = prefix_of(stores[0]) if stores else ""
        self.fields["addresses"].widget.attrs["placeholder"] = f"{prefix}images/\n{prefix}tables/*.csv"

    def chosen_store(self) -> DataStore:
        return self._stores[self.cleaned_data["store"]]


@page
@require_http_methods(["GET", "HEAD", "POST"])
def adoptions(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = project_page(request, owner, project, "data")
    found: Project = context["project"]
    stores = list(adoptable_stores(found))
    if request.method == "POST":
        require(user_of(request), Capability.RUN, found)
    form = AdoptionForm(request.POST or None, stores=stores, initial=_begun_with(request, found))
    if request.method == "POST" and form.is_valid():
        try:
            started = services.start(
                project=found,
                store=form.chosen_store(),
                actor=user_of(request),
                addresses=form.cleaned_data["addresses"].splitlines(),
            )
        except DomainError as error:
            show_error(form, error)
        else:
            return redirect(
                "project_adoption", owner=found.owner.name, project=found.name, adoption_id=started.pk
            )
    earlier = adoptions_for(user_of(request)).filter(project=found)
    context |= {
        "form": form,
        "stores": stores,
        "page": Paginator(earlier, ADOPTIONS_PER_PAGE).get_page(request.GET.get("page")),
        "section": "adoptions",
    }
    return render(request, "datastores/adoptions/list.html", context)


@page
@require_GET
def adoption(request: HttpRequest, owner: str, project: str, adoption_id: UUID) -> HttpResponse:
    """To htmx, which asks again while it runs, only what changes."""
    context = project_page(request, owner, project, "data")
    found = _adoption(request, context["project"], adoption_id)
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in AdoptionResult.Outcome.values else ""
    results = results_of(found, outcome)
    context |= {
        "adoption": found,
        "outcome": outcome,
        "outcomes": _outcomes(found),
        "page": Paginator(results, RESULTS_PER_PAGE).get_page(request.GET.get("page")),
        "section": "adoptions",
    }
    name = "_progress" if wants_fragment(request) else "detail"
    return render(request, f"datastores/adoptions/{name}.html", context)


@page
@require_POST
def cancel(request: HttpRequest, owner: str, project: str, adoption_id: UUID) -> HttpResponse:
    context = project_page(request, owner, project, "data")
    found = _adoption(request, context["project"], adoption_id)
    try:
        services.cancel(adoption=found, actor=user_of(request))
    except DomainError as error:
        if error.http_status == 403:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "Cancelled. What was adopted stays.")
    return redirect("project_adoption", owner=owner, project=project, adoption_id=adoption_id)


def _adoption(request: HttpRequest, project: Project, adoption_id: UUID) -> Adoption:
    found = get_adoption(user_of(request), adoption_id)
    if found.project_id != project.pk:
        raise NotFound("There is no such adoption in this project.")
    return found


def _begun_with(request: HttpRequest, project: Project) -> dict[str, Any]:
    """The form as an earlier adoption filled it in, for whoever starts it again: `?again=<id>`."""
    again = request.GET.get("again", "")
    earlier = adoptions_for(user_of(request)).filter(project=project, pk=_as_id(again)).first()
    if earlier is None:
        return {}
    return {"store": str(earlier.store_id), "addresses": "\n".join(earlier.addresses)}


def _as_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _outcomes(adoption: Adoption) -> list[tuple[str, str, int]]:
    """(value, label, count) of each."""
    labels = {"adopted": "Adopted", "known": "Already there", "refused": "Not adopted"}
    return [(value, labels[value], count) for value, count in adoption.counts.items()]
