"""Rows of log chunks: written by ingest and sealing, read by everybody."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from executions.logs.segments import Segment, pack, runs_of, unpack
from executions.models import LogChunk
from peon.protocol import events

FRESH_CHUNK_BYTES = 512 * 1024
"""Raw size at which the lines of one fold are cut into several rows."""
MERGE_BELOW_BYTES = 48 * 1024
"""A fresh last chunk smaller than this is rewritten with the new lines, so that a slow job does not leave a row a second."""


def append(execution_id: UUID, segments: Sequence[Segment]) -> int:
    """Store lines that continue the log; the raw bytes written. Runs in ingest's transaction, under the row lock."""
    if not segments:
        return 0
    last = _small_last_chunk(execution_id, segments[0].first_line)
    if last is not None:
        segments = [*unpack(bytes(last.data or b""), last.first_line), *segments]
    rows = [make_row(execution_id, run) for run in runs_of(segments, FRESH_CHUNK_BYTES)]
    if last is not None:
        rows[0].pk = last.pk
        rows.pop(0).save(force_update=True)
    LogChunk.objects.bulk_create(rows)
    return sum(segment.size_bytes for segment in segments)


def _small_last_chunk(execution_id: UUID, end_line: int) -> LogChunk | None:
    return LogChunk.objects.filter(
        execution_id=execution_id,
        data__isnull=False,
        raw_size_bytes__lt=MERGE_BELOW_BYTES,
        first_line=end_line - F("line_count"),
    ).first()


def make_row(execution_id: UUID, segments: Sequence[Segment], **fields: Any) -> LogChunk:
    """The row of a fresh chunk."""
    packed = pack(segments)
    return LogChunk(
        execution_id=execution_id,
        first_line=segments[0].first_line,
        line_count=segments[-1].end_line - segments[0].first_line,
        status_line_count=sum(s.line_count for s in segments if s.kind == events.STATUS),
        first_time=datetime.fromtimestamp(segments[0].time / 1_000_000, UTC),
        raw_size_bytes=packed.raw_size_bytes,
        **{"data": packed.data, **fields},
    )


def last_time(execution_id: UUID) -> int:
    """The time of the last stored line in microseconds, 0 without any."""
    last = LogChunk.objects.filter(execution_id=execution_id).order_by("-first_line").first()
    if last is None or last.data is None:
        return 0
    segment = unpack(bytes(last.data), last.first_line)[-1]
    return segment.time + segment.line_count - 1
