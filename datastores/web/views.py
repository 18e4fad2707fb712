"""A project's Data tab: its files, and the names that point to them."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.current import user_of
from common.web.pages import page, wants_fragment
from datastores.aliases import moves_of
from datastores.errors import AliasNotFound
from datastores.models import Datum
from datastores.selectors import aliases_for, default_store, get_alias, readable_by
from datastores.web.origins import with_stores
from datastores.web.rows import browse
from projects.web.context import project_page

ALIASES_PER_PAGE = 200
MOVES_PER_PAGE = 50
SIZES = (
    ("-", "Any size"),
    ("-1000000", "Up to 1 MB"),
    ("1000000-100000000", "1 to 100 MB"),
    ("100000000-1000000000", "100 MB to 1 GB"),
    ("1000000000-", "Over 1 GB"),
)
"""Bytes from, to."""
NO_DATA = {
    "title": "No data yet",
    "text": "Outputs of executions appear here, and files that you upload. Either can be an input of the next run by its datum:// URL.",
    "command": "",
}


@page
@require_GET
def data(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """The files of the project, newest first; to the page's own requests only the table."""
    context = project_page(request, owner, project, "data")
    stored = Datum.objects.filter(project=context["project"], stored_at__isnull=False)
    context |= {
        "datums": browse(request, stored.select_related("uploader"), context["project"]),
        "shows_execution": True,
        "empty": NO_DATA,
        "section": "files",
    }
    if wants_fragment(request):
        return render(request, "datastores/_datums.html", context)
    asked = (request.GET.get(name, "") for name in ("min_size", "max_size"))
    context |= {"sizes": SIZES, "chosen_size": "-".join(asked)}
    context["store"] = default_store(context["project"])
    context["stores"] = readable_by(context["project"]).order_by("name", "pk")
    return with_stores(render(request, "datastores/data.html", context), context["project"])


@page
@require_GET
def aliases(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    context = project_page(request, owner, project, "data")
    named = aliases_for(user_of(request)).filter(project=context["project"]).order_by("name")
    context |= {
        "page": Paginator(named, ALIASES_PER_PAGE).get_page(request.GET.get("page")),
        "chosen": chosen_datum(request, context),
        "section": "aliases",
    }
    return with_stores(render(request, "datastores/aliases.html", context), context["project"])


@page
@require_GET
def alias(request: HttpRequest, owner: str, project: str, alias_id: UUID) -> HttpResponse:
    """What the alias means and has meant."""
    context = project_page(request, owner, project, "data")
    found = get_alias(user_of(request), alias_id)
    if found.project_id != context["project"].pk:
        raise AliasNotFound(str(alias_id))
    moves = Paginator(moves_of(found), MOVES_PER_PAGE).get_page(request.GET.get("page"))
    kept = Datum.objects.filter(pk__in={move.to_datum_id for move in moves}, purged_at__isnull=True)
    context |= {
        "alias": found,
        "page": moves,
        "usable": set(kept.values_list("pk", flat=True)),
        "section": "aliases",
    }
    return render(request, "datastores/alias.html", context)


def chosen_datum(request: HttpRequest, context: dict[str, Any]) -> str:
    """The file to begin with when somebody comes from it: an id, or nothing."""
    asked = request.GET.get("datum", "")
    return asked if len(asked) == 36 and asked.replace("-", "").isalnum() else ""
