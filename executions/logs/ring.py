"""The end of a log in memory, shared by everybody who watches it. No input or output.

Frames are encoded once, however many viewers receive them. The ring is bounded; a viewer who falls behind it reads what it
misses from the stored log.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from executions.logs.segments import Segment, clip, from_wire, runs_of, wire_json

FRAME_BYTES = 512 * 1024
MAX_BYTES = 16 * 1024 * 1024


def frame(segments: Sequence[Segment], total: int) -> str:
    """The WebSocket message that carries these lines."""
    first = segments[0].first_line
    count = segments[-1].end_line - first
    return (
        f'{{"type":"log","first_line":{first},"line_count":{count},"total":{max(total, first + count)},'
        f'"segments":{wire_json(segments)}}}'
    )


class Block(NamedTuple):
    """Lines that came together, as their frame."""

    first_line: int
    end_line: int
    text: str

    def frame_from(self, line: int) -> str:
        """The frame of the lines from `line` on. Only whoever begins in the middle needs one of their own."""
        if line == self.first_line:
            return self.text
        segments = from_wire(json.loads(self.text)["segments"], self.first_line)
        return frame(clip(segments, line, self.end_line), self.end_line)


class Ring:
    """Lines `start` up to but not including `end`, in blocks without holes."""

    def __init__(self, line: int = 0, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self.restart(line)

    def restart(self, line: int) -> None:
        """Go on at `line`: what lies before is to be had from the stored log."""
        self._blocks: list[Block] = []
        self._size = 0
        self.start = self.end = line

    def add(self, segments: Sequence[Segment]) -> bool:
        """Add lines, in order; those the ring has seen are skipped, a hole restarts it. Whether anything was new."""
        if not segments or segments[-1].end_line <= self.end:
            return False
        if segments[0].first_line > self.end:
            self.restart(segments[0].first_line)
        for run in runs_of(clip(segments, self.end, segments[-1].end_line), FRAME_BYTES):
            block = Block(self.end, run[-1].end_line, frame(run, segments[-1].end_line))
            self._blocks.append(block)
            self.end = block.end_line
            self._size += len(block.text)
        self._shrink()
        return True

    def frame_at(self, line: int) -> tuple[str, int] | None:
        """The frame that begins with `line` and the line after it; None when `line` is not in the ring."""
        if not self.start <= line < self.end:
            return None
        block = self._blocks[bisect_right(self._blocks, line, key=lambda b: b.first_line) - 1]
        return block.frame_from(line), block.end_line

    def _shrink(self) -> None:
        while self._size > self._max_bytes and len(self._blocks) > 1:
            self._size -= len(self._blocks.pop(0).text)
            self.start = self._blocks[0].first_line
