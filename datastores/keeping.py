"""What keeps a file. The one place to ask before its content goes.

An alias keeps a file from rules of retention. Rooms and apps above that know of more, such as jobs that need a file, append
to `keepers` when they are loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from common.errors import DomainError
from datastores.models import Datum, DatumAlias


def _nobody_minds(datum: Datum) -> DomainError | None:
    return None


@dataclass(frozen=True)
class Keeper:
    """One reason to keep files. `holding` and `using` are conditions on rows of `Datum`, see `of_file`."""

    name: str
    """What keeps them, in words: "an alias"."""
    holding: Callable[[], Exists]
    """Holds the file now: no rule purges it."""
    using: Callable[[], Exists]
    """Has used the file at any time: a rule for unused files leaves it alone."""
    objection: Callable[[Datum], DomainError | None] = _nobody_minds
    """Why not even a person may purge the file now. The row is locked while this is asked."""


def of_file(rows: QuerySet[Any, Any], column: str = "datum_id") -> Exists:
    """That one of `rows` names the file in `column`."""
    return Exists(rows.filter(**{column: OuterRef("pk")}))


def _alias_of_file() -> Exists:
    return of_file(DatumAlias.objects.all())


keepers: list[Keeper] = [Keeper("an alias", _alias_of_file, _alias_of_file)]


def not_held(datums: QuerySet[Datum]) -> QuerySet[Datum]:
    for keeper in keepers:
        datums = datums.filter(~keeper.holding())
    return datums


def never_used(datums: QuerySet[Datum]) -> QuerySet[Datum]:
    for keeper in keepers:
        datums = datums.filter(~keeper.using())
    return datums


def require_not_needed(datum: Datum) -> None:
    """Raises what a keeper objects to purging the file."""
    for keeper in keepers:
        objection = keeper.objection(datum)
        if objection is not None:
            raise objection
