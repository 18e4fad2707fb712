"""A page of files as every table of files shows it: a project's Data tab and an execution's outputs."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from datastores.listing import ProjectFiles
from datastores.models import Datum, DatumAlias
from datastores.searching import LONGEST_SEARCH, narrowed, with_words
from projects.models import Project
from projects.selectors import as_uuid

PAGE_SIZE = 50
COUNTED_AT_MOST = 1_000
"""Counting on would take longer than the page."""
FILTERS = ("kind", "store", "min_size", "max_size", "created_after", "created_before")


@dataclass(frozen=True)
class DatumRow:
    datum: Datum
    aliases: list[str]

    @property
    def uri(self) -> str:
        return f"datum://{self.datum.pk}"


@dataclass(frozen=True)
class DatumPage:
    """`previous` and `next` are what to ask for, as a query; empty: there is no such page."""

    rows: list[DatumRow]
    search: str
    total: int
    is_filtered: bool = False
    previous: str = ""
    next: str = ""

    @property
    def total_text(self) -> str:
        return f"more than {COUNTED_AT_MOST:,}" if self.total > COUNTED_AT_MOST else f"{self.total:,}"


def outputs_page(request: HttpRequest, outputs: QuerySet[Datum], project: Project) -> DatumPage:
    """Of the files of one execution, in their order: the page whose number the address has, of those that match its `search`."""
    search = _search(request)
    page = Paginator(with_words(outputs, search, project.pk), PAGE_SIZE).get_page(request.GET.get("page"))
    return DatumPage(
        rows_of(page.object_list),
        search,
        page.paginator.count,
        is_filtered=bool(search),
        previous=f"page={page.previous_page_number()}" if page.has_previous() else "",
        next=f"page={page.next_page_number()}" if page.has_next() else "",
    )


def browse(request: HttpRequest, datums: QuerySet[Datum], project: Project) -> DatumPage:
    """Of the files of a project, newest first, those that the address asks for. The next page begins behind a file that
    it names, so that each page costs the same and files that come in meanwhile move none."""
    asked = _asked(request)
    found = narrowed(datums, asked, project.pk)
    newest_first = ProjectFiles(found)
    before, after = (_datum_named(request, datums, name) for name in ("before", "after"))
    oldest_first = ProjectFiles(found, newest_first=False)
    page, has_newer, has_older = _page_at(before, after, newest_first, oldest_first)
    return DatumPage(
        rows_of(page),
        _search(request),
        newest_first.count_up_to(COUNTED_AT_MOST + 1),
        is_filtered=any(asked.get(name) for name in ("search", *FILTERS)),
        previous=f"after={page[0].pk}" if has_newer else "",
        next=f"before={page[-1].pk}" if has_older else "",
    )


def _page_at(
    before: Datum | None, after: Datum | None, newest_first: ProjectFiles, oldest_first: ProjectFiles
) -> tuple[list[Datum], bool, bool]:
    """The files, whether there are newer ones, and older ones."""
    if before:
        rows = list(newest_first.next_to(before)[: PAGE_SIZE + 1])
        if rows:
            return rows[:PAGE_SIZE], True, len(rows) > PAGE_SIZE
    if after:
        rows = list(oldest_first.next_to(after)[: PAGE_SIZE + 1])
        if len(rows) > PAGE_SIZE:
            return rows[:PAGE_SIZE][::-1], True, True
    rows = list(newest_first[: PAGE_SIZE + 1])
    return rows[:PAGE_SIZE], False, len(rows) > PAGE_SIZE


def _datum_named(request: HttpRequest, datums: QuerySet[Datum], parameter: str) -> Datum | None:
    named = as_uuid(request.GET.get(parameter, ""))
    return datums.filter(pk=named).first() if named else None


def _asked(request: HttpRequest) -> QueryDict:
    asked = request.GET.copy()
    for name in list(asked):
        if name not in ("search", *FILTERS):
            del asked[name]
    if request.GET.get("purged") != "1":
        asked["purged"] = "0"
    return asked


def _search(request: HttpRequest) -> str:
    return request.GET.get("search", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def rows_of(datums: Iterable[Datum]) -> list[DatumRow]:
    """The files with the names that point to them; one query for all."""
    listed = list(datums)
    aliases: dict[object, list[str]] = {datum.pk: [] for datum in listed}
    pointing = DatumAlias.objects.filter(datum__in=listed).order_by("name").values_list("datum_id", "name")
    for datum_id, name in pointing:
        aliases[datum_id].append(name)
    return [DatumRow(datum, aliases[datum.pk]) for datum in listed]
