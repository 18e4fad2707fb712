"""A page of files as every table of files shows it: a project's Data tab and an execution's outputs."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from datastores.models import Datum, DatumAlias

PAGE_SIZE = 100
LONGEST_COUNTER = 18


@dataclass(frozen=True)
class DatumRow:
    datum: Datum
    aliases: list[str]

    @property
    def uri(self) -> str:
        return f"datum://{self.datum.pk}"


@dataclass(frozen=True)
class DatumPage:
    page: Page[Datum]
    rows: list[DatumRow]
    search: str


def page_of(request: HttpRequest, datums: QuerySet[Datum]) -> DatumPage:
    """The page that the address asks for, of those that match its `search`."""
    search = request.GET.get("search", "").replace("\x00", "").strip()[:200]
    page = Paginator(matching(datums, search), PAGE_SIZE).get_page(request.GET.get("page"))
    return DatumPage(page, rows_of(page.object_list), search)


def matching(datums: QuerySet[Datum], text: str) -> QuerySet[Datum]:
    """Files of which every word of `text` is in the name or an alias, is a tag, or is the `#number` of their execution."""
    for word in text.split():
        found = Q(name__icontains=word) | Q(tags__contains=[word])
        found |= Q(
            pk__in=DatumAlias.objects.filter(name__icontains=word, datum__isnull=False).values("datum_id")
        )
        number = word.removeprefix("#")
        if word.startswith("#") and number.isascii() and number.isdigit() and len(number) <= LONGEST_COUNTER:
            found |= Q(output_execution_counter=int(number))
        datums = datums.filter(found)
    return datums


def rows_of(datums: Iterable[Datum]) -> list[DatumRow]:
    """The files with the names that point to them; one query for all."""
    listed = list(datums)
    aliases: dict[object, list[str]] = {datum.pk: [] for datum in listed}
    pointing = DatumAlias.objects.filter(datum__in=listed).order_by("name").values_list("datum_id", "name")
    for datum_id, name in pointing:
        aliases[datum_id].append(name)
    return [DatumRow(datum, aliases[datum.pk]) for datum in listed]
