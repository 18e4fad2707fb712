"""Which files match what somebody types or asks for. The API and the pages have the same filters under the same names.

Filters are lenient: what is unknown is ignored, a value that names nothing finds nothing and is no error.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime

from common.grams import may_contain
from common.rest.params import boolean
from datastores.models import Datum, DatumAlias
from projects.selectors import as_uuid

Datums = QuerySet[Datum]

LONGEST_NUMBER = 18
LONGEST_SEARCH = 200
NAMED_AT_MOST = 1_000
NOTHING = Q(pk__in=[])

Finder = Callable[[str, UUID | None, bool], QuerySet[Any, Any]]
execution_finders: list[Finder] = []
"""Executions live in a higher app, which appends what finds their ids by a word of their title or a tag, in one project or in all,
by an index where there are few or by looking at each."""


@dataclass(frozen=True)
class Narrowed:
    """`listed` are those that lists find by their order alone, such as by date; `rows` those of them that are asked for.
    `found` are these too, asked for in such a way that indexes find them where they are few."""

    shown: Datums
    listed: Datums
    rows: Datums
    found: Datums

    @property
    def is_filtered(self) -> bool:
        return self.rows is not self.listed


@dataclass(frozen=True)
class Match:
    """What files with a word are like; `candidates` are what an index says of them."""

    condition: Q
    candidates: Q


def narrowed(datums: Datums, params: QueryDict, project_id: UUID | None = None) -> Narrowed:
    """Those of `datums`, which are of one project or of any, that the parameters ask for."""
    listed = datums
    for name, by_order in _BY_ORDER.items():
        for values in _given(params, name):
            listed = listed.filter(by_order(values))
    rows = listed
    for name, condition in _FILTERS.items():
        for values in _given(params, name):
            rows = rows.filter(condition(values))
    matches = [
        match_of(word, project_id)
        for values in _given(params, "search")
        for word in " ".join(values)[:LONGEST_SEARCH].split()
    ]
    for match in matches:
        rows = rows.filter(match.condition)
    found = rows
    for candidates in [match.candidates for match in matches] + [
        _candidates_by_name(values) for values in _given(params, "name")
    ]:
        found = found if candidates is None else found.filter(candidates)
    return Narrowed(datums, listed, rows, found)


def with_words(datums: Datums, text: str, project_id: UUID) -> Datums:
    """Those of a project that have every word of the text."""
    for word in text.replace("\0", "")[:LONGEST_SEARCH].split():
        datums = datums.filter(match_of(word, project_id).condition)
    return datums


def match_of(word: str, project_id: UUID | None) -> Match:
    """Files that have the word in their name, in an alias or in the title of their execution, or as a tag of either, or that
    are of the execution `#number`."""
    aliases = DatumAlias.objects.filter(name__icontains=word, datum__isnull=False)
    if project_id:
        aliases = aliases.filter(project_id=project_id)
    beside = Q(tags__contains=[word])
    aliased = aliases.order_by().values_list("datum_id", flat=True)
    beside |= _among("pk", aliased, aliased)
    for finder in execution_finders:
        few, many = (finder(word, project_id, by_index) for by_index in (True, False))
        beside |= _among("output_execution_id", few, many)
    number = word.removeprefix("#")
    if word.startswith("#") and number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER:
        beside |= Q(output_execution_counter=int(number))
    return Match(Q(name__icontains=word) | beside, may_contain("name", word) | beside)


def _among(column: str, few: QuerySet[Any, Any], many: QuerySet[Any, Any]) -> Q:
    """As values where there are few: PostgreSQL looks these up, while it compares every file with a subquery."""
    found = list(few[: NAMED_AT_MOST + 1])
    return Q(**{f"{column}__in": found if len(found) <= NAMED_AT_MOST else many})


def _given(params: QueryDict, name: str) -> Iterable[list[str]]:
    """The values of a parameter, if it has any."""
    values = [value.replace("\0", "") for value in params.getlist(name) if value != ""]
    return [values] if values else []


def _by_id(column: str) -> Callable[[list[str]], Q]:
    return lambda values: Q(**{f"{column}__in": [pk for value in values if (pk := as_uuid(value))]})


def _candidates_by_name(values: list[str]) -> Q | None:
    """Across projects only the index of parts of names finds a name."""
    return may_contain("name", values[0]) if len(values) == 1 else None


def _by_kind(values: list[str]) -> Q:
    known = {
        "uploaded": Q(output_execution_id__isnull=True),
        "outputs": Q(output_execution_id__isnull=False),
    }
    return known.get(values[-1], NOTHING)


def _by_number(lookup: str) -> Callable[[list[str]], Q]:
    def condition(values: list[str]) -> Q:
        text = values[-1].strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        return Q(**{lookup: int(text)}) if is_number else NOTHING

    return condition


def _by_time(lookup: str) -> Callable[[list[str]], Q]:
    def condition(values: list[str]) -> Q:
        at = time_in(values[-1])
        return Q(**{lookup: at}) if at else NOTHING

    return condition


def time_in(text: str) -> datetime | None:
    """A time, or the beginning of a day, in UTC where no zone is named."""
    try:
        at = parse_datetime(text.strip().replace(" ", "+"))
        day = None if at else parse_date(text.strip())
    except ValueError:  # well formed, but no day of any month
        return None
    if day:
        at = datetime.combine(day, time())
    return at.replace(tzinfo=at.tzinfo or UTC) if at else None


_BY_ORDER: Mapping[str, Callable[[list[str]], Q]] = {
    "created_after": _by_time("created_at__gte"),
    "created_before": _by_time("created_at__lt"),
    "purged": lambda values: Q(purged_at__isnull=not boolean(values[0])),
    "kind": _by_kind,
}
_FILTERS: Mapping[str, Callable[[list[str]], Q]] = {
    "output_execution": _by_id("output_execution_id"),
    "execution": _by_id("output_execution_id"),
    "store": _by_id("store_id"),
    "name": lambda values: Q(name__in=values),
    "tag": lambda values: Q(tags__contains=values),
    "min_size": _by_number("size_bytes__gte"),
    "max_size": _by_number("size_bytes__lte"),
}
