"""Finds metadata in log lines: a line of stdout that is a JSON object is one event. It stays a log line, too.

What a job prints is not to be trusted: values are made fit for PostgreSQL's JSONB and for browsers, which know neither
NUL characters nor half Unicode characters, NaN or integers of any length.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from executions.logs.segments import Segment

WRAPPER = "vh_metadata"
MAX_KEY_CHARACTERS = 256
MAX_TEXT_CHARACTERS = 16_384
MAX_DEPTH = 16
_TOO_DEEP = "…"
_LARGEST_INTEGER = 2**63 - 1


class MetadataEvent(NamedTuple):
    """One metadata line; `time` in microseconds since 1970."""

    line: int
    time: int
    values: dict[str, Any]


def _name(constant: str) -> str:
    """NaN, Infinity and -Infinity become text: JSON has no such numbers, and dropping them would hide a diverged run."""
    return constant


_decode = json.JSONDecoder(parse_constant=_name).decode


def metadata_in(segment: Segment) -> Iterator[MetadataEvent]:
    """The metadata events among the lines of a segment of stdout."""
    text = segment.text
    line = counted_to = 0
    brace = text.find("{")
    while brace >= 0:
        start = text.rfind("\n", 0, brace) + 1
        end = text.find("\n", brace)
        end = len(text) if end < 0 else end
        if start == brace or text[start:brace].isspace():
            values = parse(text[start:end])
            if values:
                line += text.count("\n", counted_to, start)
                counted_to = start
                yield MetadataEvent(segment.first_line + line, segment.time + line, values)
        brace = text.find("{", end)


def parse(line: str) -> dict[str, Any] | None:
    """The values that a line logs; None when it is not a JSON object."""
    if not line.rstrip().endswith("}"):
        return None
    try:
        found = _decode(line)
        if not isinstance(found, dict):
            return None
        wrapped = found.get(WRAPPER)
        return clean_object(wrapped if isinstance(wrapped, dict) else found)
    except (
        ValueError,
        RecursionError,
    ):  # not JSON, an endless number, or nested without end: an ordinary line
        return None


def clean_object(values: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A copy that every JSON reader and PostgreSQL can take."""
    return {clean_text(key, MAX_KEY_CHARACTERS): clean(value, depth) for key, value in values.items()}


def clean(value: Any, depth: int = 0) -> Any:
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else _name_of(value)
    if kind is int:
        return value if -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER else _as_float(value)
    if kind is str:
        return clean_text(value, MAX_TEXT_CHARACTERS)
    if kind is list or kind is dict:
        if depth >= MAX_DEPTH:
            return _TOO_DEEP
        if kind is list:
            return [clean(item, depth + 1) for item in value]
        return clean_object(value, depth + 1)
    return value if value is None or kind is bool else str(value)


def clean_text(text: str, longest: int) -> str:
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _as_float(value: int) -> float | str:
    """Integers beyond 64 bits keep their size, not every digit."""
    try:
        return float(value)
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"


def _name_of(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
