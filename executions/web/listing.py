"""The list of a project's executions: page, live fragment, bulk actions."""

import json
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.pages import page, wants_fragment, with_toast
from executions import listing, selectors, services
from executions.models import Execution
from executions.types import Status
from executions.web.ids import valid_ids
from projects.models import Project
from projects.web.context import project_page

PAGE_SIZE = 50
BULK_LIMIT = 500


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    numeric: bool = False

    @property
    def sorts(self) -> bool:
        return self.name in listing.SORTABLE or self.name[:2] in {"m:", "p:"}

    @property
    def key(self) -> str:
        """The metadata key or parameter name that it shows."""
        return self.name[2:]


FIXED = (
    Column("status", "Status"),
    Column("environment", "Environment"),
    Column("creator", "Creator"),
    Column("created", "Created"),
    Column("duration", "Duration", numeric=True),
    Column("commit", "Commit"),
    Column("tags", "Tags"),
    Column("step", "Step"),
    Column("ended", "Ended"),
    Column("outputs", "Outputs", numeric=True),
)
DEFAULT_COLUMNS = ("status", "environment", "creator", "created", "duration", "commit", "tags")


@page
@require_GET
def executions(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """The page; to htmx only the rows, to the live refresh too."""
    context = project_page(request, owner, project, "executions")
    found: Project = context["project"]
    query = query_of(request)
    columns = columns_of(request, found)
    mine = selectors.executions_for(user_of(request)).filter(project=found)
    context |= rows_context(request, mine, query, columns)
    if not wants_fragment(request):
        choices = listing.choices_of(mine)
        context |= {
            "choices": choices,
            "statuses": [str(status) for status in Status],
            "fixed_columns": FIXED,
            "metadata_columns": [Column(f"m:{key}", key) for key in choices.metadata],
            "parameter_columns": [Column(f"p:{key}", key) for key in choices.parameters],
            "is_new_project": not query.is_filtered and not context["page"].object_list,
            "host": request.build_absolute_uri("/"),
        }
    template = "executions/_rows.html" if wants_fragment(request) else "executions/list.html"
    response = render(request, template, context)
    remember_columns(request, response, found)
    return response


@page
@require_POST
def bulk(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """Stop or delete the selected executions; what cannot be done is told, the rest is done."""
    found: Project = project_page(request, owner, project, "executions")["project"]
    action = {"stop": services.stop_execution, "delete": services.delete_execution}.get(
        request.POST.get("action", "")
    )
    wanted = request.POST.getlist("id")[:BULK_LIMIT]
    if action is None or not wanted:
        return with_toast(HttpResponse(status=204), "Select executions first.", "warning")
    mine = selectors.executions_for(user_of(request))
    chosen = mine.filter(project=found, deleted_at__isnull=True, pk__in=valid_ids(wanted)).order_by("counter")
    problems = []
    done = 0
    for execution in chosen:
        try:
            action(execution=execution, actor=user_of(request))
            done += 1
        except DomainError as error:
            problems.append(error.message)
    return bulk_answer(request.POST["action"], done, problems)


def bulk_answer(action: str, done: int, problems: list[str]) -> HttpResponse:
    said = {"stop": "Asked {} to stop.", "delete": "Deleted {}."}[action]
    text = said.format(f"{done} execution{'' if done == 1 else 's'}")
    if problems:
        text = "\n".join([text, *dict.fromkeys(problems)][:12])
    return with_toast(
        HttpResponse(status=204), text, "warning" if problems else "success", executionsChanged=True
    )


def query_of(request: HttpRequest) -> listing.ListQuery:
    given = request.GET
    return listing.ListQuery(
        statuses=tuple(given.getlist("status")),
        step=given.get("step", ""),
        creator=given.get("creator", ""),
        tag=given.get("tag", ""),
        text=clean(given.get("text", "")),
        sort=clean(given.get("sort", "")) or "-counter",
    )


def clean(text: str) -> str:
    """PostgreSQL text cannot hold NUL."""
    return text.replace("\x00", "").strip()[:200]


def rows_context(
    request: HttpRequest, mine: Any, query: listing.ListQuery, columns: list[Column]
) -> dict[str, Any]:
    kinds = {column.name[:2] for column in columns}
    values = [name for kind, name in (("m:", "cumulative_metadata"), ("p:", "parameters")) if kind in kinds]
    wanted = listing.listed(mine, query).only(*listing.LIST_FIELDS, *values)
    total, more = listing.count_up_to(wanted)
    paginator = CountedPaginator(selectors.with_alert_count(wanted), total)
    shown: Page[Execution] = paginator.get_page(request.GET.get("page"))
    return {"page": shown, "total_is_more": more, "columns": columns, "query": query}


class CountedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """A paginator that is told the count instead of asking for it."""

    def __init__(self, wanted: Any, total: int) -> None:
        super().__init__(wanted, PAGE_SIZE)
        self.count = total


def columns_of(request: HttpRequest, project: Project) -> list[Column]:
    """What the address says, else what this browser chose last, else the default."""
    if "columns" in request.GET:
        names = request.GET.getlist("columns")
    else:
        names = remembered(request, project) or list(DEFAULT_COLUMNS)
    fixed = {column.name: column for column in FIXED}
    chosen = []
    for name in dict.fromkeys(part for text in names for part in split_columns(text)):
        if name in fixed:
            chosen.append(fixed[name])
        elif name[:2] in {"m:", "p:"} and len(name) > 2 and "\x00" not in name:
            chosen.append(Column(name, name[2:], numeric=True))
    return chosen


def split_columns(text: str) -> list[str]:
    """A metadata key may contain anything, so only lists of fixed names may be joined by commas."""
    return [text] if text[:2] in {"m:", "p:"} else text.split(",")


def cookie_name(project: Project) -> str:
    return f"columns_{project.pk.hex}"


def remembered(request: HttpRequest, project: Project) -> list[str]:
    try:
        names = json.loads(request.COOKIES.get(cookie_name(project), ""))
    except ValueError:
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def remember_columns(request: HttpRequest, response: HttpResponse, project: Project) -> None:
    if "columns" not in request.GET:
        return
    names = json.dumps(request.GET.getlist("columns"))
    if len(names) < 3000:  # browsers refuse larger cookies; the address still says it
        path = reverse("project", kwargs={"owner": project.owner.name, "project": project.name})
        response.set_cookie(
            cookie_name(project), names, max_age=365 * 86400, path=path, samesite="Lax", httponly=True
        )
        rest = request.GET.copy()
        rest.pop("columns")
        response["HX-Push-Url"] = f"{path}?{rest.urlencode()}" if rest else path
