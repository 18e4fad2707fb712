"""Metadata events packed by column, as chunks store them. Pure.

The stored form is zlib-compressed JSON, see `executions.models.MetadataChunk`. A null in a column means that the event
has no such key; a key logged as null therefore counts as not logged.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from executions.metadata.lines import MetadataEvent

MAX_EVENTS = 10_000
MAX_CELLS = 200_000
"""Of one chunk: a reader holds a whole one in memory."""


@dataclass
class Columns:
    lines: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)
    """Key -> one entry per event. While events are being added a column may be short; `padded` completes it."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def is_full(self) -> bool:
        return len(self) >= MAX_EVENTS or len(self) * len(self.values) >= MAX_CELLS

    def add(self, event: MetadataEvent) -> None:
        index = len(self.times)
        self.lines.append(event.line)
        self.times.append(event.time)
        for key, value in event.values.items():
            column = self.values.get(key)
            if column is None:
                column = self.values[key] = []
            if len(column) < index:
                column.extend([None] * (index - len(column)))
            column.append(value)

    def padded(self) -> "Columns":
        for column in self.values.values():
            column.extend([None] * (len(self.times) - len(column)))
        return self

    def events(self, start: int = 0) -> Iterator[MetadataEvent]:
        keys = list(self.values)
        columns = [self.values[key][start:] for key in keys]
        rows: Iterable[Sequence[Any]] = zip(*columns, strict=True) if keys else ((),) * (len(self) - start)
        for line, time, row in zip(self.lines[start:], self.times[start:], rows, strict=True):
            values = {key: value for key, value in zip(keys, row, strict=True) if value is not None}
            yield MetadataEvent(line, time, values)


def split(events: Iterable[MetadataEvent], onto: Columns | None = None) -> Iterator[Columns]:
    """The events as columns that are each small enough for one chunk; the first continues `onto`."""
    columns = onto or Columns()
    for event in events:
        if columns.is_full:
            yield columns.padded()
            columns = Columns()
        columns.add(event)
    if len(columns):
        yield columns.padded()


def pack(columns: Columns) -> bytes:
    packed = {"line": columns.lines, "time": columns.times, "columns": columns.values}
    return zlib.compress(json.dumps(packed, separators=(",", ":"), ensure_ascii=False).encode(), 1)


def unpack(data: bytes) -> Columns:
    packed = json.loads(zlib.decompress(data))
    return Columns(packed["line"], packed["time"], packed["columns"])
