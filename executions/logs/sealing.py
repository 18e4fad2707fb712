"""Moves log lines out of the database into objects of the platform's storage.

Objects are written outside of any transaction; then the rows are switched in one. A name says which lines an object holds, so
that whoever writes the same one again writes the same lines.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from common import clock
from executions.logs import stream
from executions.logs.chunks import make_row
from executions.logs.segments import Segment, pack, unpack
from executions.models import Execution, LogChunk

OBJECT_BYTES = 4 * 1024 * 1024
"""Raw size of an object: small enough to open a log anywhere at once, large enough not to be a swarm of files."""
LEAST_RUNNING_BYTES = 1024 * 1024
"""While it runs, an object is written only for at least this much."""
MOST_PASSES = 20


def seal(execution_id: UUID) -> int:
    """Seal what can be sealed: everything after the end, full runs of fresh chunks before. Returns objects written."""
    execution = (
        Execution.objects.filter(pk=execution_id).only("ended_at", "log_sealed_at", "log_line_count").first()
    )
    if execution is None:
        stream.forget(execution_id)
        return 0
    if execution.log_sealed_at is not None:
        return 0
    if execution.ended_at is None:
        return _seal_runs(execution_id, has_ended=False)
    written = 0
    # Another sealing may have cut its runs elsewhere and left us with pieces: look until nothing is left.
    for _ in range(MOST_PASSES):
        written += _seal_runs(execution_id, has_ended=True)
        if not _fresh_chunks(execution_id).exists():
            _complete(execution_id)
            break
    return written


def _seal_runs(execution_id: UUID, *, has_ended: bool) -> int:
    return sum(_seal_run(execution_id, run) for run in _runs(execution_id, has_ended))


def _runs(execution_id: UUID, has_ended: bool) -> Iterator[list[int]]:
    """Primary keys of fresh chunks that follow each other without a hole, about an object's worth at a time.

    A hole is where somebody else sealed meanwhile. While it runs, the last chunk stays fresh: ingest still adds to it.
    """
    fresh = _fresh_chunks(execution_id).order_by("first_line")
    found = list(fresh.values_list("pk", "first_line", "line_count", "raw_size_bytes"))
    run: list[int] = []
    total = end = 0
    for pk, first_line, line_count, size in found if has_ended else found[:-1]:
        if run and (first_line != end or total + size > OBJECT_BYTES):
            yield run
            run, total = [], 0
        run.append(pk)
        total += size
        end = first_line + line_count
    if run and (has_ended or total >= LEAST_RUNNING_BYTES):
        yield run


def _seal_run(execution_id: UUID, run: Sequence[int]) -> int:
    rows = list(LogChunk.objects.filter(pk__in=run, data__isnull=False).order_by("first_line"))
    if [row.pk for row in rows] != list(run):
        return 0  # somebody else was faster
    segments = [s for row in rows for s in unpack(bytes(row.data or b""), row.first_line)]
    name = f"logs/{execution_id}/{segments[0].first_line}-{segments[-1].end_line}.z"
    saved = default_storage.save(name, ContentFile(pack(segments).data))
    if _switch(execution_id, rows, segments, saved):
        return 1
    # Where storage overwrites, both wrote the same name: it stays when the faster one's row points to it.
    if not LogChunk.objects.filter(storage_key=saved).exists():
        default_storage.delete(saved)
    return 0


@transaction.atomic(durable=True)
def _switch(execution_id: UUID, rows: Sequence[LogChunk], segments: Sequence[Segment], saved: str) -> bool:
    """One row that names the object in place of `rows`; False when they are not what they were."""
    Execution.objects.select_for_update(no_key=True).only("pk").get(pk=execution_id)
    now = LogChunk.objects.filter(pk__in=[row.pk for row in rows], data__isnull=False).order_by("first_line")
    if list(now.values_list("pk", "line_count")) != [(row.pk, row.line_count) for row in rows]:
        return False
    now.delete()
    make_row(execution_id, segments, data=None, storage_key=saved).save(force_insert=True)
    return True


def _fresh_chunks(execution_id: UUID) -> QuerySet[LogChunk]:
    return LogChunk.objects.filter(execution_id=execution_id, data__isnull=False)


def _complete(execution_id: UUID) -> None:
    """No line is left in the database: let Redis forget the log, and mark it as whole."""
    stream.forget(execution_id)  # first: were Redis away, the next call would try again
    Execution.objects.filter(pk=execution_id, log_sealed_at__isnull=True).update(log_sealed_at=clock.now())
