"""Looks for text in a log, a page at a time and never for longer than its budget."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from executions.logs.reader import line_count, walk
from executions.logs.segments import Segment
from executions.models import Execution

BUDGET_SECONDS = 2.0
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Query:
    """Case does not matter; an empty text asks for nothing. `streams` holds kinds: `o`, `e`, `s`."""

    include: str = ""
    exclude: str = ""
    streams: Collection[str] = ("o", "e", "s")


@dataclass(frozen=True)
class FoundLine:
    number: int
    time: int
    kind: str
    message: str


@dataclass(frozen=True)
class Page:
    """`next_after` is what to give as `after_line` to go on; `is_finished` when the present end was reached."""

    lines: list[FoundLine]
    next_after: int
    is_finished: bool


def search(
    execution: Execution,
    query: Query,
    *,
    after_line: int = -1,
    limit: int = 500,
    budget_seconds: float = BUDGET_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Page:
    """Lines behind number `after_line` that match, up to `limit` of them."""
    deadline = monotonic() + budget_seconds
    found: list[FoundLine] = []
    seen = after_line
    size = 0
    for segments in walk(execution.pk, after_line + 1, line_count(execution)):
        for segment in segments:
            for line in matches(segment, query):
                found.append(line)
                size += len(line.message) + 64
                if len(found) >= limit or size >= MAX_BYTES:
                    return Page(found, line.number, is_finished=False)
            seen = segment.end_line - 1
        if monotonic() >= deadline:
            return Page(found, seen, is_finished=False)
    return Page(found, seen, is_finished=True)


def matches(segment: Segment, query: Query) -> Iterator[FoundLine]:
    """The lines of a segment that the query wants. A segment without the text is passed over as a whole."""
    if segment.kind not in query.streams:
        return
    include, exclude = query.include.lower(), query.exclude.lower()
    lowered = segment.text.lower() if include or exclude else ""
    if include and include not in lowered:
        return
    exclude = exclude if exclude in lowered else ""
    plain = segment.text.split("\n")
    compared = lowered.split("\n") if include or exclude else plain
    for index, (line, low) in enumerate(zip(plain, compared, strict=True)):
        if (include and include not in low) or (exclude and exclude in low):
            continue
        yield FoundLine(segment.first_line + index, segment.time + index, segment.kind, line)
