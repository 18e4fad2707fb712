"""The page of one file: what it is, which executions used it, which names point to it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.current import user_of
from common.web.pages import page
from datastores.errors import DatumNotFound
from datastores.models import Datum
from datastores.selectors import get_datum
from datastores.web.origins import with_stores
from executions.models import Execution
from executions.used_files import executions_of, uses_of
from projects.web.context import project_page

USES_PER_PAGE = 50


@dataclass(frozen=True)
class Use:
    input_name: str
    execution: Execution


@page
@require_GET
def file(request: HttpRequest, owner: str, project: str, datum_id: UUID) -> HttpResponse:
    context, datum = file_page(request, owner, project, datum_id)
    uses = Paginator(uses_of(user_of(request), datum), USES_PER_PAGE).get_page(request.GET.get("page"))
    executions = executions_of(uses)
    context |= {
        "page": uses,
        "uses": [Use(use.name, executions[use.execution_id]) for use in uses],
        "aliases": datum.aliases.order_by("name"),
        "properties": sorted(datum.properties.items()),
    }
    return with_stores(render(request, "executions/files/page.html", context), context["project"])


def file_page(request: HttpRequest, owner: str, project: str, datum_id: UUID) -> tuple[dict[str, Any], Datum]:
    """The context of a page about the file, which has to be in the project that the address names."""
    context = project_page(request, owner, project, "data")
    datum = get_datum(user_of(request), datum_id)
    if datum.project_id != context["project"].pk:
        raise DatumNotFound(datum_id)
    return context | {"datum": datum, "section": "files"}, datum
