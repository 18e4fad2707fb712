"""Finding texts by a part of them, in tables of any size: an index of the characters of each text, and their pairs and triples.

PostgreSQL's extension for that is not there in every installation, an index over an array is. The functions are made by a
migration of `datastores`.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.lookups import DataContains
from django.db.models import F, Func, Q, TextField, Value


def grams(column: str) -> Func:
    """What an index holds of a column."""
    return Func(F(column), function="text_grams", output_field=_array())


def may_contain(column: str, part: str) -> Q:
    """What the index says: true of all texts that have the part, whatever its case, and of few others.

    Without the index it costs ten times what `__icontains` does, so that both are asked where the index is to be used, this one
    in a condition of its own, which PostgreSQL does not ask again of what the index has found.
    """
    wanted = Func(Value(part), function="text_grams_of_part", output_field=_array())
    return Q(DataContains(grams(column), wanted))


def _array() -> "ArrayField[Any, Any]":
    return ArrayField(TextField())
