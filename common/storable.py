"""What can be stored and handed to a job as it is: no NUL, no lone surrogates, no endless numbers."""

import math
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 20


def unstorable(value: Any, depth: int = 0) -> str | None:
    """Why `value` (JSON) cannot be stored, in words that follow its name; None when it can."""
    if isinstance(value, str):
        return _unstorable_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    if depth >= _MAX_DEPTH:
        return f"is nested deeper than {_MAX_DEPTH} levels"
    if isinstance(value, Mapping):
        return _first_fault([*value.keys(), *value.values()], depth)
    if isinstance(value, list | tuple):
        return _first_fault(list(value), depth)
    if value is None or isinstance(value, bool | int | float):
        return None
    return f"has a value of type {type(value).__name__}, which cannot be stored"


def _first_fault(values: list[Any], depth: int) -> str | None:
    return next((why for value in values if (why := unstorable(value, depth + 1))), None)


def _unstorable_text(text: str) -> str | None:
    if "\x00" in text:
        return "must not contain a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "must be valid Unicode"
    return None
