"""Rows into a table by COPY: some columns from the caller, the others as the model's defaults say."""

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

# Foreign keys are checked at the end of each statement, and what is to be checked is kept until then.
_ROWS_PER_STATEMENT = 100_000
_ROWS_PER_READ = 500
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


Copied = Callable[[str, int], None]
"""Is told of each table that is in the database: its name and how many rows it got."""


class Table:
    """`given` names the columns that rows bring, in their order. Values of JSON and array columns come as their text."""

    def __init__(self, model: type[models.Model], *given: str) -> None:
        fields = cast("list[models.Field[Any, Any]]", list(model._meta.concrete_fields))
        known = {str(field.column) for field in fields}
        if not known.issuperset(given):
            raise ValueError(f"{model.__name__} has no {sorted(set(given) - known)}")
        left = [f for f in fields if f.column not in given and not _is_left_to_the_database(f)]
        self.name = str(model._meta.verbose_name_plural)
        names = ", ".join(f'"{name}"' for name in (*given, *(field.column for field in left)))
        self.statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
        self._ending = "".join(f"\t{_default(field)}" for field in left) + "\n"

    def copy(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """How many there were."""
        remaining = iter(rows)
        copied = 0
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for first in remaining:
                some = chain([first], islice(remaining, _ROWS_PER_STATEMENT - 1))
                cursor.copy_expert(self.statement, _Lines(self._lines(some)))
                copied += cursor.rowcount
        return copied

    def _lines(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
        ending = self._ending
        for row in rows:
            yield "\t".join([_TEXTS[type(value)](value) for value in row]) + ending


def copy_all(tables: Iterable[tuple[Table, Iterable[tuple[Any, ...]]]], copied: Copied) -> dict[str, int]:
    """In this order; how many rows each got."""
    counts: dict[str, int] = {}
    for table, rows in tables:
        counts[table.name] = table.copy(rows)
        copied(table.name, counts[table.name])
    return counts


class _Lines(io.TextIOBase):
    """What `copy_expert` reads: lines as they are made."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = ""

    def read(self, size: int | None = -1) -> str:
        if not self._rest:
            self._rest = "".join(islice(self._lines, _ROWS_PER_READ))
        if size is None or size < 0:
            size = len(self._rest)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def _is_left_to_the_database(field: "models.Field[Any, Any]") -> bool:
    return isinstance(field, models.AutoField) or field.db_default is not models.NOT_PROVIDED


def _default(field: "models.Field[Any, Any]") -> str:
    """What a row says that was made by the model and given nothing for the field."""
    value = field.get_default()
    if isinstance(field, ArrayField) and value == []:
        return "{}"
    if isinstance(field, models.JSONField) and value in ({}, []):
        return str(value)
    if isinstance(value, str | Decimal):  # a choice is a kind of text, too
        return _escaped(str(value))
    return _TEXTS[type(value)](value)


@lru_cache(maxsize=16)  # long texts are the same in many rows
def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: r"\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    float: str,
    datetime: datetime.isoformat,
    str: lambda value: value if value.isprintable() and "\\" not in value else _escaped(value),
}
