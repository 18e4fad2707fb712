"""Reads the log of an execution: stored chunks joined with what still waits in Redis, on the line number.

Ingest may move lines from Redis into chunks at any moment. It commits before it trims, so that a reader who finds nothing
at its place in Redis looks into the database once more: what it missed is there, or there is nothing more.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any
from uuid import UUID

import redis

from executions.logs import decoded, stream
from executions.logs.decoded import ChunkInfo
from executions.logs.segments import Segment, clip, from_wire, within_bytes
from executions.metadata.store import iso_time
from executions.models import Execution
from peon.protocol import events

MAX_BYTES = 8 * 1024 * 1024
"""How much text one read returns at most; a reader goes on from where it ends."""


def line_count(execution: Execution) -> int:
    """How many lines there are now, stored or waiting in Redis."""
    stored, is_open = _stored_count(execution.pk)
    if not is_open:
        return stored
    try:
        head = stream.read_head(execution.pk)
    except redis.RedisError:
        return stored
    return max(stored, head.next_line) if head else stored


def read_segments(
    execution: Execution, first_line: int, max_lines: int, *, max_bytes: int = MAX_BYTES
) -> list[Segment]:
    """Lines from `first_line` on, as many as both limits allow (but at least one, when there is one)."""
    found: list[Segment] = []
    left = max_bytes
    for segments in walk(execution.pk, first_line, first_line + max_lines):
        fitting = within_bytes(segments, left)
        found += fitting
        left -= sum(segment.size_bytes for segment in fitting)
        if left <= 0 or fitting[-1].end_line < segments[-1].end_line:
            break
    return found


def walk(
    execution_id: UUID,
    first_line: int,
    end_line: int,
    *,
    wanted: Callable[[ChunkInfo], bool] | None = None,
) -> Iterator[list[Segment]]:
    """Runs of lines from `first_line` up to `end_line` or the present end, in order, none twice.

    `wanted` may pass over chunks by what is known of them without reading.
    """
    position = max(0, first_line)
    while position < end_line:
        before = position
        for segments, reached in _stored_runs(execution_id, position, end_line, wanted):
            position = reached
            if segments:
                yield segments
        for segments in _waiting_runs(execution_id, position, end_line):
            position = segments[-1].end_line
            yield segments
        if position == before and not _has_moved(execution_id, position):
            return


def last_lines(execution: Execution, count: int, streams: Collection[str] | None = None) -> list[Segment]:
    """The last `count` lines (of the given kinds: `o`, `e`, `s`), oldest first."""
    total = line_count(execution)
    if streams is None:
        return list(_all(walk(execution.pk, total - count, total)))
    kept: list[Segment] = []
    found = 0
    end = total
    for start in _starts_backwards(execution.pk, total, streams):
        runs = walk(execution.pk, start, end, wanted=_holds(streams))
        segments = [segment for segment in _all(runs) if segment.kind in streams]
        kept = segments + kept
        found += sum(segment.line_count for segment in segments)
        end = start
        if found >= count:
            break
    return _drop_lines(kept, found - count)


def first_lines(execution: Execution, count: int, streams: Collection[str] | None = None) -> list[Segment]:
    """The first `count` lines (of the given kinds)."""
    kept: list[Segment] = []
    left = count
    wanted = None if streams is None else _holds(streams)
    end = count if streams is None else line_count(execution)
    for segment in _all(walk(execution.pk, 0, end, wanted=wanted)):
        if left <= 0:
            break
        if streams is None or segment.kind in streams:
            kept += clip([segment], segment.first_line, segment.first_line + left)
            left -= kept[-1].line_count
    return kept


def last_events(execution: Execution, count: int) -> list[dict[str, Any]]:
    """The last lines as the API shows them."""
    return [event for segment in last_lines(execution, count) for event in shown(segment)]


def shown(segment: Segment) -> Iterator[dict[str, Any]]:
    """A line at a time: `{"time", "stream", "message"}`."""
    name = segment.stream
    for index, line in enumerate(segment.text.split("\n")):
        yield {"time": iso_time(segment.time + index), "stream": name, "message": line}


def iter_text(
    execution: Execution, *, timestamps: bool = False, streams: Collection[str] | None = None
) -> Iterator[str]:
    """The whole log up to now, in pieces that end with a newline."""
    for segments in walk(execution.pk, 0, line_count(execution)):
        chosen = [s for s in segments if streams is None or s.kind in streams]
        if not chosen:
            continue
        if timestamps:
            lines = [f"{e['time']} {e['stream']} {e['message']}" for s in chosen for e in shown(s)]
        else:
            lines = [segment.text for segment in chosen]
        yield "\n".join(lines) + "\n"


def _stored_runs(
    execution_id: UUID, position: int, end_line: int, wanted: Callable[[ChunkInfo], bool] | None
) -> Iterator[tuple[list[Segment], int]]:
    """Segments of the chunks that continue `position`, and the line up to which they (or what was passed over) reach."""
    for info in decoded.chunk_infos(execution_id, position, end_line):
        if info.first_line > position:
            return
        if wanted is not None and not wanted(info):
            position = info.end_line
            yield [], position
            continue
        segments = decoded.load(info)
        if segments is None:
            return  # its lines moved: the caller asks again for where they are now
        end = min(end_line, info.end_line)
        run = clip(segments, position, end)
        position = end
        yield run, position


def _waiting_runs(execution_id: UUID, position: int, end_line: int) -> Iterator[list[Segment]]:
    """Lines in Redis that continue `position`; without Redis, none."""
    try:
        for batches in stream.slices(execution_id):
            for batch in batches:
                if batch.end_line <= position:
                    continue
                if batch.first_line > position or position >= end_line:
                    return
                lines = from_wire((s for s in batch.segments if events.is_line_segment(s)), batch.first_line)
                yield clip(lines, position, min(end_line, batch.end_line))
                position = batch.end_line
    except redis.RedisError:
        return


def _stored_count(execution_id: UUID) -> tuple[int, bool]:
    row = Execution.objects.filter(pk=execution_id).values_list("log_line_count", "ended_at").first()
    return (row[0], row[1] is None) if row else (0, False)


def _has_moved(execution_id: UUID, line: int) -> bool:
    """Whether ingest or sealing put the line elsewhere while we looked for it."""
    return next(decoded.chunk_infos(execution_id, line, line + 1), None) is not None


def _holds(streams: Collection[str]) -> Callable[[ChunkInfo], bool]:
    """Whether a chunk may hold lines of the given kinds."""
    if set(streams) == {events.STATUS}:
        return lambda info: info.status_line_count > 0
    return lambda info: info.line_count > info.status_line_count or events.STATUS in streams


def _starts_backwards(execution_id: UUID, total: int, streams: Collection[str]) -> Iterator[int]:
    """Where to begin reading, from the end to the start: what waits in Redis first, then chunk after chunk."""
    holds = _holds(streams)
    infos = list(decoded.chunk_infos(execution_id, 0))
    if not infos or infos[-1].end_line < total:
        yield infos[-1].end_line if infos else 0
    yield from (info.first_line for info in reversed(infos) if holds(info))


def _all(runs: Iterator[list[Segment]]) -> Iterator[Segment]:
    for run in runs:
        yield from run


def _drop_lines(segments: list[Segment], count: int) -> list[Segment]:
    """Without the first `count` lines, whatever their numbers."""
    for index, segment in enumerate(segments):
        if count < segment.line_count:
            return [
                *clip([segment], segment.first_line + max(0, count), segment.end_line),
                *segments[index + 1 :],
            ]
        count -= segment.line_count
    return []
