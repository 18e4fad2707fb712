"""Finding texts by a part of them, in tables of any size: an index of the pairs and triples of characters of each text.

PostgreSQL's extension for that is not there in every installation, an index over an array is. The functions are made by a
migration of `datastores`.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.lookups import DataContains
from django.db.models import F, Func, Q, TextField, Value

SHORTEST = 2
"""Shorter parts are in nearly every text, and in no index."""


def grams(column: str) -> Func:
    """What an index holds of a column."""
    return Func(F(column), function="text_grams", output_field=_array())


def may_contain(column: str, part: str) -> Q | None:
    """What the index says: true of all texts that have the part, whatever its case, and of few others. None: it says nothing.

    Without the index it costs ten times what `__icontains` does, so that both are asked where the index is to be used, this one
    in a condition of its own, which PostgreSQL does not ask again of what the index has found.
    """
    if len(part) < SHORTEST:
        return None
    wanted = Func(Value(part), function="text_grams_of_part", output_field=_array())
    return Q(DataContains(grams(column), wanted))


def _array() -> "ArrayField[Any, Any]":
    return ArrayField(TextField())
