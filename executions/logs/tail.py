"""One reader of an execution's event stream for all its viewers in this process."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import redis
from django.db import DatabaseError, InterfaceError

from common.errors import DomainError
from common.redis import async_client
from common.threads import LONG, QUICK, in_thread
from executions.logs import reader
from executions.logs.batches import read_batch
from executions.logs.ring import Ring, frame
from executions.logs.segments import Segment, from_wire
from executions.models import Execution
from peon.protocol import events, keys

logger = logging.getLogger(__name__)

SLICE_ENTRIES = 16
GATHER_SECONDS = 0.04
"""After a frame, wait this long for more: one frame of many lines costs each viewer little more than one of a few."""
SAFETY_SECONDS = 2.0
"""Look by itself this often, should a notice get lost."""
SAFETY_SECONDS_AFTER_THE_END = 30.0
STORED_LOOK_SECONDS = 1.0
HISTORY_LINES = 5000
HISTORY_BYTES = 1024 * 1024
HISTORY_FRAMES = 8

Frame = tuple[str, int]
"""A message with lines, and the number of the line that follows them."""


class LogTail:
    """Keeps a ring up with the stream; calls `on_change` when it grew. Runs until cancelled."""

    def __init__(self, execution_id: UUID, on_change: Callable[[], None]) -> None:
        self.execution_id = execution_id
        self.ring = Ring()
        self.is_ready = False
        self.is_over = False
        self._on_change = on_change
        self._news = asyncio.Event()
        self._last_entry: str | None = None
        self._has_more = False
        self._stored_looked_at = float("-inf")
        self._must_look_at_stored = True
        self._history: OrderedDict[int, asyncio.Task[Frame | None]] = OrderedDict()

    async def frame_at(self, line: int) -> Frame | None:
        """The frame that begins with `line`, from the ring or from the stored log; None when it cannot be had.

        Viewers who fall behind a flood fall behind together: what one reads from the stored log is there for the others, and
        ends at round numbers, so that they meet.
        """
        found = self.ring.frame_at(line)
        if found is not None:
            return found
        reading = self._history.get(line)
        if reading is None:
            reading = self._history[line] = asyncio.create_task(self._read_history(line))
            if len(self._history) > HISTORY_FRAMES:
                self._history.popitem(last=False)
        frame_read = await asyncio.shield(reading)
        if frame_read is None:
            self._history.pop(line, None)  # the next one tries again
        return frame_read

    async def _read_history(self, line: int) -> Frame | None:
        end = min(self.ring.start, (line // HISTORY_LINES + 1) * HISTORY_LINES)
        try:
            segments = await in_thread(LONG, _read, self.execution_id, line, end - line)
        except (DomainError, DatabaseError, InterfaceError):
            logger.warning(
                "stored lines cannot be read", extra={"execution": str(self.execution_id)}, exc_info=True
            )
            return None
        if not segments or segments[0].first_line != line:
            return None
        return frame(segments, self.ring.end), segments[-1].end_line

    def hear(self, kind: str) -> None:
        """A notice of this kind came for the execution."""
        if kind != "log":
            self._must_look_at_stored = True
        self._news.set()

    async def run(self) -> None:
        client = async_client()
        try:
            while True:
                self._news.clear()
                if await self._look(client):
                    self._on_change()
                    # With more waiting already, only let the others run.
                    await asyncio.sleep(0 if self._has_more else GATHER_SECONDS)
                else:
                    await self._wait()
        finally:
            await client.aclose()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SAFETY_SECONDS_AFTER_THE_END if self.is_over else SAFETY_SECONDS):
                await self._news.wait()
        except TimeoutError:
            self._must_look_at_stored = True

    async def _look(self, client: Any) -> bool:
        """Take in what is new; whether there was anything, or the tail became ready."""
        try:
            fresh = await self._from_stream(client)
        except (redis.RedisError, OSError):
            fresh, self._must_look_at_stored = None, True
        if fresh:
            self.is_ready = True
            self.ring.add(fresh)
            return True
        if fresh is not None and not self._stored_is_due():
            return False
        return await self._from_database()

    async def _from_stream(self, client: Any) -> list[Segment]:
        start = f"({self._last_entry}" if self._last_entry else "-"
        entries = await client.xrange(keys.events(str(self.execution_id)), start, "+", count=SLICE_ENTRIES)
        self._has_more = len(entries) == SLICE_ENTRIES
        found: list[Segment] = []
        for entry_id, fields in entries:
            batch = read_batch(entry_id, fields)
            self._last_entry = batch.entry_id
            if found and batch.first_line != found[-1].end_line:
                # A hole or a repetition inside one slice: give the ring its parts one after the other.
                self.ring.add(found)
                found = []
            found += from_wire((s for s in batch.segments if events.is_line_segment(s)), batch.first_line)
        if entries and not found:
            return await self._from_stream(client)  # nothing but numbers in this slice
        return found

    def _stored_is_due(self) -> bool:
        if self._must_look_at_stored:
            return True
        return time.monotonic() - self._stored_looked_at >= STORED_LOOK_SECONDS

    async def _from_database(self) -> bool:
        """Lines may be stored that no stream held when we looked: the platform's own last words, or a lost Redis."""
        self._must_look_at_stored = False
        self._stored_looked_at = time.monotonic()
        try:
            count = await in_thread(QUICK, _stored_count, self.execution_id)
        except (DatabaseError, InterfaceError):
            return False  # away; the next look comes by itself
        became_ready, self.is_ready = not self.is_ready, True
        if count > self.ring.end:
            self.ring.restart(count)
            return True
        return became_ready


def _read(execution_id: UUID, first_line: int, max_lines: int) -> list[Segment]:
    return reader.read_segments(Execution(pk=execution_id), first_line, max_lines, max_bytes=HISTORY_BYTES)


def _stored_count(execution_id: UUID) -> int:
    row = Execution.objects.filter(pk=execution_id).values_list("log_line_count", flat=True).first()
    return row or 0
