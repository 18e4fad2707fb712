"""Chunks of the log, decoded. A small process-wide memory keeps those that were read last.

A chunk's lines never change: a row that grew has another line count and therefore another key.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import F

from common.errors import DomainError
from executions.logs.segments import Segment, unpack
from executions.models import LogChunk

MEMORY_BYTES = 24 * 1024 * 1024


class LogUnavailable(DomainError):
    """A part of the log cannot be had from storage."""

    code = "log_unavailable"
    http_status = 503

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A part of the log ({name}) cannot be read from storage. Check that the storage is reachable, then try again."
        )


@dataclass(frozen=True)
class ChunkInfo:
    """Where a run of lines is, without its bytes."""

    pk: int
    first_line: int
    line_count: int
    status_line_count: int
    raw_size_bytes: int
    storage_key: str

    @property
    def end_line(self) -> int:
        return self.first_line + self.line_count


class _Memory:
    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._kept: OrderedDict[tuple[int, int], tuple[list[Segment], int]] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> list[Segment] | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: tuple[int, int], segments: list[Segment], size_bytes: int) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (segments, size_bytes)
                self._total += size_bytes
            while self._total > self._size_bytes and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._total -= freed


_memory = _Memory(MEMORY_BYTES)
_INFO_COLUMNS = ("pk", "first_line", "line_count", "status_line_count", "raw_size_bytes", "storage_key")


def chunk_infos(execution_id: UUID, first_line: int, end_line: int | None = None) -> Iterator[ChunkInfo]:
    """The chunks that hold lines from `first_line` on, in order."""
    rows = LogChunk.objects.filter(execution_id=execution_id, first_line__gt=first_line - F("line_count"))
    if end_line is not None:
        rows = rows.filter(first_line__lt=end_line)
    for row in rows.order_by("first_line").values_list(*_INFO_COLUMNS):
        yield ChunkInfo(*row)


def load(info: ChunkInfo) -> list[Segment] | None:
    """The chunk's segments; None when the row is gone because its lines moved to another one meanwhile.

    Raises `LogUnavailable`.
    """
    key = (info.pk, info.line_count)
    segments = _memory.get(key)
    if segments is None:
        data = _stored(info.storage_key) if info.storage_key else _fresh(info)
        if data is None:
            return None
        segments = unpack(data, info.first_line)
        _memory.put(key, segments, info.raw_size_bytes)
    return segments


def _fresh(info: ChunkInfo) -> bytes | None:
    found = LogChunk.objects.filter(pk=info.pk, line_count=info.line_count, data__isnull=False)
    data = found.values_list("data", flat=True).first()
    return None if data is None else bytes(data)


def _stored(name: str) -> bytes:
    try:
        with default_storage.open(name) as file:
            return bytes(file.read())
    except Exception as error:  # every storage backend has errors of its own
        raise LogUnavailable(name) from error
