"""The endless loop of the ingest process.

An agent's append puts the execution on a list; this loop takes it from there, reads what is new and folds it: at once when it
is urgent (an end, an output) or much, else about once a second. A sweep over the running executions every few seconds finds
whatever a lost call or a restart left behind. Several loops may run; they share the list and skip each other's work.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError, connection

from common import pulse
from common.redis import blocking_client, client
from executions.logs import stream
from executions.logs.background import ask_for_sealing
from executions.logs.batches import Batch
from executions.logs.ingest import FoldResult, fold_batches
from executions.logs.sealing import OBJECT_BYTES
from executions.logs.sweep import Sweep
from executions.models import Execution
from peon.protocol import keys

logger = logging.getLogger(__name__)

FOLD_SECONDS = 1.0
FOLD_BYTES = 256 * 1024
FOLD_ENTRIES = 96
"""Well below what a stream may hold: an agent that sends many small batches is not to run into the limit."""
SWEEP_SECONDS = 5.0
LOCKED_PAUSE_SECONDS = 0.05
AWAY_PAUSE_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0
_DIRTY_AT_ONCE = 64


class _Stopped(BaseException):
    """Raised by the signal handler to leave a blocking read; no `except Exception` is to swallow it."""


@dataclass
class Progress:
    """How far this process has read one execution's stream."""

    batches: list[Batch] = field(default_factory=list)
    size_bytes: int = 0
    last_entry: str | None = None
    due: float | None = None
    folded_at: float = float("-inf")
    failures: int = 0
    has_more: bool = False
    unsealed_bytes: int = 0

    def forget_unfolded(self) -> None:
        """Read again from the start of the stream: the fold skips what is stored."""
        self.batches, self.size_bytes, self.last_entry, self.has_more = [], 0, None, False


class Ingest:
    def __init__(self) -> None:
        self._progress: dict[UUID, Progress] = {}
        self._dirty_client: Any = blocking_client()
        self._sweep = Sweep()
        self._sweep_due = 0.0
        self._is_stopping = False
        self._is_waiting = False
        self._absent: set[str] = set()

    def stop(self) -> None:
        """From a signal handler: end after the present fold, or at once when waiting."""
        self._is_stopping = True
        if self._is_waiting:
            raise _Stopped

    def run(self) -> None:
        while not self._is_stopping:
            try:
                self.turn(wait=True)
                self._note_presence()
                pulse.beat()
            except _Stopped:
                break
            except (OperationalError, InterfaceError):
                self._note_absence("PostgreSQL")
                connection.close()
                time.sleep(AWAY_PAUSE_SECONDS)
            except redis.RedisError:
                self._note_absence("Redis")
                time.sleep(AWAY_PAUSE_SECONDS)
        self._dirty_client.close()

    def turn(self, *, wait: bool) -> None:
        """Hear of news, read it, fold what is due."""
        for execution_id in self._hear(self._seconds_to_next() if wait else 0.0):
            self._read(execution_id)
        now = time.monotonic()
        if now >= self._sweep_due:
            self._sweep_due = now + SWEEP_SECONDS
            self._look_around(now)
        for execution_id in [i for i, p in self._progress.items() if p.due is not None and p.due <= now]:
            self._fold(execution_id)

    def _hear(self, timeout_seconds: float) -> list[UUID]:
        """The executions that have news. They leave the list and its set before their streams are read, so that an append
        during the reading puts them there again."""
        names = self._pop(timeout_seconds)
        if names:
            client().srem(keys.INGEST_DIRTY_SET, *names)
        return [found for name in names if (found := _uuid(name))]

    def _pop(self, timeout_seconds: float) -> list[bytes]:
        first: Any = None
        if timeout_seconds > 0:
            first = self._wait_for_one(timeout_seconds)
            if first is None:
                return []
        more: Any = client().lpop(keys.INGEST_DIRTY, _DIRTY_AT_ONCE)
        return [*([first[1]] if first else []), *(more or [])]

    def _wait_for_one(self, timeout_seconds: float) -> Any:
        self._is_waiting = True
        try:
            if self._is_stopping:
                raise _Stopped
            return self._dirty_client.blpop([keys.INGEST_DIRTY], timeout=timeout_seconds)
        finally:
            self._is_waiting = False

    def _seconds_to_next(self) -> float:
        due = min((p.due for p in self._progress.values() if p.due is not None), default=self._sweep_due)
        return max(0.0, min(due, self._sweep_due) - time.monotonic())

    def _read(self, execution_id: UUID) -> None:
        """Take in one slice of what is new, and decide when it is to be folded."""
        progress = self._progress.setdefault(execution_id, Progress())
        if progress.failures and progress.due is not None and time.monotonic() < progress.due:
            return  # it has its time to try again
        batches = stream.read_slice(execution_id, progress.last_entry)
        progress.has_more = len(batches) == stream.SLICE_ENTRIES
        if batches:
            progress.batches += batches
            progress.size_bytes += sum(batch.size_bytes for batch in batches)
            progress.last_entry = batches[-1].entry_id
        if not progress.batches:
            return
        now = time.monotonic()
        is_much = (
            progress.size_bytes >= FOLD_BYTES or len(progress.batches) >= FOLD_ENTRIES or progress.has_more
        )
        if is_much or any(batch.is_urgent for batch in batches):
            progress.due = now
        elif progress.due is None:
            progress.due = max(now, progress.folded_at + FOLD_SECONDS)

    def _fold(self, execution_id: UUID) -> None:
        progress = self._progress[execution_id]
        if not progress.batches:
            self._read(execution_id)
        try:
            result = fold_batches(execution_id, progress.batches, wait_for_lock=False)
        except (OperationalError, InterfaceError, redis.RedisError):
            raise
        except Exception as error:  # one execution's trouble must not stop the others
            self._back_off(execution_id, progress, error)
            return
        self._note(execution_id, progress, result)

    def _note(self, execution_id: UUID, progress: Progress, result: FoldResult) -> None:
        now = time.monotonic()
        if result.is_locked:
            progress.due = now + LOCKED_PAUSE_SECONDS
        elif result.is_over or result.is_finished:
            del self._progress[execution_id]
            self._forget_stream_of_nobody(execution_id, result)
        elif result.has_gap:
            progress.forget_unfolded()
            progress.due, progress.folded_at = None, now
        else:
            progress.batches, progress.size_bytes, progress.failures = [], 0, 0
            progress.folded_at, progress.due = now, None
            self._seal_when_much(execution_id, progress, result)
            if progress.has_more:
                self._read(execution_id)

    def _back_off(self, execution_id: UUID, progress: Progress, error: Exception) -> None:
        progress.failures += 1
        pause = min(LONGEST_BACKOFF_SECONDS, 2.0**progress.failures)
        facts = {"execution": str(execution_id), "again_in_seconds": pause}
        logger.error("events could not be folded in; they stay in the stream", extra=facts, exc_info=error)
        progress.forget_unfolded()
        progress.due = time.monotonic() + pause

    def _seal_when_much(self, execution_id: UUID, progress: Progress, result: FoldResult) -> None:
        progress.unsealed_bytes += result.applied.raw_bytes if result.applied else 0
        if progress.unsealed_bytes >= 2 * OBJECT_BYTES:
            progress.unsealed_bytes = 0
            ask_for_sealing(execution_id)

    def _forget_stream_of_nobody(self, execution_id: UUID, result: FoldResult) -> None:
        if result.is_over and not Execution.objects.filter(pk=execution_id).exists():
            stream.forget(execution_id)

    def _look_around(self, now: float) -> None:
        running, behind = self._sweep.look()
        for execution_id in behind:
            progress = self._progress.get(execution_id)
            if progress is not None and not progress.batches and not progress.failures:
                progress.forget_unfolded()
            if progress is None or not progress.batches:
                self._read(execution_id)
        for execution_id, progress in list(self._progress.items()):
            if progress.batches or progress.due is not None:
                continue
            if execution_id not in running:
                del self._progress[execution_id]
            elif progress.last_entry and now - progress.folded_at >= SWEEP_SECONDS:
                stream.trim_through(execution_id, progress.last_entry)

    def _note_absence(self, what: str) -> None:
        if what not in self._absent:
            logger.warning("%s is away; ingest goes on when it is back", what)
            self._absent.add(what)

    def _note_presence(self) -> None:
        if self._absent:
            logger.warning("%s is back", " and ".join(sorted(self._absent)))
            self._absent.clear()
            self._sweep_due = 0.0


def _uuid(name: bytes) -> UUID | None:
    try:
        return UUID(name.decode())
    except ValueError:
        return None
