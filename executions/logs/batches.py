"""One entry of an execution's event stream, read and checked. No Redis, no database.

An entry that cannot be read is *set aside*: its place in the numbering is kept, and status lines say so where its lines
would have been. Ingest and live viewers use the same function, so that both show the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peon.protocol import events

SET_ASIDE = "set-aside"
"""Kind of the events that stand in for unreadable ones that were no lines."""
_MOST_EVENTS = events.MAX_BATCH_BYTES  # a line takes at least one byte of the body
_UNREADABLE_LINE = "(unreadable)"


@dataclass(frozen=True)
class Batch:
    """`entry_id` is Redis's, `segments` are as on the wire. `body` is kept only when it could not be read."""

    entry_id: str
    first_seq: int
    event_count: int
    first_line: int
    line_count: int
    segments: list[dict[str, Any]]
    size_bytes: int
    body: bytes | None = None

    @property
    def end_seq(self) -> int:
        return self.first_seq + self.event_count

    @property
    def end_line(self) -> int:
        return self.first_line + self.line_count

    @property
    def is_urgent(self) -> bool:
        """Whether it says something that is not to wait until enough lines have come together."""
        return any(s["k"] in {events.FINISH, events.OUTPUT, events.INFO} for s in self.segments)


def read_batch(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Batch:
    """Never raises: an unreadable body is set aside, an entry without usable numbers becomes an empty batch."""
    body = fields.get(b"b", b"")
    name = entry_id.decode()
    try:
        first_seq, event_count, first_line, line_count = (int(fields[k]) for k in (b"s", b"n", b"l", b"m"))
    except (KeyError, ValueError):
        return Batch(name, 0, 0, 0, 0, [], len(body), body)
    if not 0 <= line_count <= event_count <= _MOST_EVENTS or first_seq < 0 or first_line < 0:
        return Batch(name, 0, 0, 0, 0, [], len(body), body)
    numbers = (name, first_seq, event_count, first_line, line_count)
    try:
        segments = events.decode_body(body)
        _check(segments, event_count, line_count)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Batch(*numbers, _stand_ins(name, event_count, line_count), len(body), body)
    return Batch(*numbers, segments, len(body))


def set_aside(batch: Batch, body: bytes) -> Batch:
    """The same place in the numbering, with the notice in place of what it said."""
    segments = _stand_ins(batch.entry_id, batch.event_count, batch.line_count)
    return Batch(
        batch.entry_id,
        batch.first_seq,
        batch.event_count,
        batch.first_line,
        batch.line_count,
        segments,
        batch.size_bytes,
        body,
    )


def _check(segments: list[dict[str, Any]], event_count: int, line_count: int) -> None:
    """Raises ValueError when segments are malformed or do not have the promised counts. Mends invalid Unicode."""
    found_events = found_lines = 0
    for segment in segments:
        if type(segment["k"]) is not str:
            raise ValueError("the kind of a segment must be text")
        if events.is_line_segment(segment):
            _check_lines(segment)
            lines = events.line_count(segment)
            found_lines += lines
            found_events += lines
        else:
            found_events += 1
    if (found_events, found_lines) != (event_count, line_count):
        raise ValueError("the batch does not hold as many events and lines as it says")


def _check_lines(segment: dict[str, Any]) -> None:
    text = segment["p"]
    if type(text) is not str or type(segment["t"]) is not int or not 0 <= segment["t"] < 2**62:
        raise ValueError("a line segment needs a time and text")
    if not text.isascii():
        segment["p"] = text.encode("utf-8", "replace").decode()  # JSON escapes can smuggle in half characters


def _stand_ins(entry_id: str, event_count: int, line_count: int) -> list[dict[str, Any]]:
    others: list[dict[str, Any]] = [{"k": SET_ASIDE} for _ in range(event_count - line_count)]
    if not line_count:
        return others
    notice = (
        f"{line_count} log lines arrived damaged and cannot be shown; what arrived is kept in storage. "
        "Check the version of the worker agent."
    )
    text = "\n".join([notice] + [_UNREADABLE_LINE] * (line_count - 1))
    arrived = int(entry_id.partition("-")[0] or 0) * 1000
    return [{"k": events.STATUS, "t": arrived, "p": text}, *others]
