"""Log lines as the server handles them: segments, which know the absolute number of their first line."""

import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from peon.protocol import events

OVERHEAD_BYTES = 48
"""What the JSON of a segment needs beside its text, roughly."""
_COMPRESSION = (
    1  # the fastest level: log text shrinks to a seventh with it, and ingest is not to wait for zlib
)


class Segment(NamedTuple):
    """Lines of one stream that arrived together; line i has time `time + i` microseconds."""

    first_line: int
    line_count: int
    kind: str
    time: int
    text: str

    @property
    def end_line(self) -> int:
        return self.first_line + self.line_count

    @property
    def stream(self) -> str:
        return str(events.STREAM_NAMES[self.kind])

    @property
    def size_bytes(self) -> int:
        return len(self.text) + OVERHEAD_BYTES

    def wire(self) -> dict[str, Any]:
        return {"k": self.kind, "t": self.time, "p": self.text}


def make_segment(first_line: int, kind: str, time: int, text: str) -> Segment:
    return Segment(first_line, text.count("\n") + 1, kind, time, text)


def without_first(segment: Segment, lines: int) -> Segment:
    """The segment without its first `lines` lines (fewer than it has)."""
    if lines <= 0:
        return segment
    text = segment.text.split("\n", lines)[lines]
    return Segment(
        segment.first_line + lines, segment.line_count - lines, segment.kind, segment.time + lines, text
    )


def only_first(segment: Segment, lines: int) -> Segment:
    """The first `lines` lines (at least one) of the segment."""
    if lines >= segment.line_count:
        return segment
    text = "\n".join(segment.text.split("\n", lines)[:lines])
    return segment._replace(line_count=lines, text=text)


def clip(segments: Sequence[Segment], first_line: int, end_line: int) -> list[Segment]:
    """What of `segments`, which follow each other, lies in first_line <= line < end_line."""
    if end_line <= first_line:
        return []
    start = max(0, bisect_right(segments, first_line, key=lambda s: s.first_line) - 1)
    kept: list[Segment] = []
    for segment in segments[start:]:
        if segment.first_line >= end_line:
            break
        if segment.end_line > first_line:
            cut = without_first(segment, first_line - segment.first_line)
            kept.append(only_first(cut, end_line - cut.first_line))
    return kept


def within_bytes(segments: Sequence[Segment], size_bytes: int) -> list[Segment]:
    """As many lines from the start as fit into `size_bytes`, at least one."""
    kept: list[Segment] = []
    left = size_bytes
    for segment in segments:
        if segment.size_bytes <= left:
            kept.append(segment)
            left -= segment.size_bytes
            continue
        # Cut the segment where the budget ends, but never return nothing.
        fitting = segment.text.count("\n", 0, max(0, left)) or (0 if kept else 1)
        if fitting:
            kept.append(only_first(segment, fitting))
        break
    return kept


def runs_of(segments: Sequence[Segment], size_bytes: int) -> Iterator[list[Segment]]:
    """The segments in runs of at most about `size_bytes`; a segment that is larger is cut between lines."""
    run: list[Segment] = []
    size = 0
    for segment in segments:
        for piece in _pieces(segment, size_bytes):
            if run and size + piece.size_bytes > size_bytes:
                yield run
                run, size = [], 0
            run.append(piece)
            size += piece.size_bytes
    if run:
        yield run


def _pieces(segment: Segment, size_bytes: int) -> Iterator[Segment]:
    while segment.size_bytes > size_bytes and segment.line_count > 1:
        piece = within_bytes([segment], size_bytes)[0]
        yield piece
        if piece.line_count == segment.line_count:
            return
        rest = segment.text[len(piece.text) + 1 :]
        segment = Segment(
            piece.end_line,
            segment.line_count - piece.line_count,
            segment.kind,
            segment.time + piece.line_count,
            rest,
        )
    yield segment


class Packed(NamedTuple):
    """Segments as they are stored: zlib-compressed JSON."""

    data: bytes
    raw_size_bytes: int


def pack(segments: Iterable[Segment]) -> Packed:
    raw = wire_json(segments).encode("utf-8")
    return Packed(zlib.compress(raw, _COMPRESSION), len(raw))


def unpack(data: bytes, first_line: int) -> list[Segment]:
    return from_wire(json.loads(zlib.decompress(data)), first_line)


def from_wire(wire: Iterable[dict[str, Any]], first_line: int) -> list[Segment]:
    segments = []
    for item in wire:
        segment = make_segment(first_line, item["k"], item["t"], item["p"])
        segments.append(segment)
        first_line = segment.end_line
    return segments


def wire_json(segments: Iterable[Segment]) -> str:
    return json.dumps([s.wire() for s in segments], separators=(",", ":"), ensure_ascii=False)
