"""From the event stream to rows: read outside, fold and write in one transaction, then acknowledge.

Any number of processes may do this for the same execution at the same time: the row's lock lets one write, and the fold
skips what is there already. Whoever dies between commit and acknowledgement leaves only work that is skipped later.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DataError, transaction

from common import clock, notices
from executions import lifecycle, queue
from executions.logs import chunks, stream
from executions.logs.application import Applied, apply, status_segment
from executions.logs.background import ask_for_sealing
from executions.logs.batches import Batch, set_aside
from executions.logs.dataset_versions import versions_at_end
from executions.logs.fold import Folded, Position, fold
from executions.models import Execution
from executions.types import RUNNING, Status

logger = logging.getLogger(__name__)

_COLUMNS = (
    "status", "epoch", "started_at", "next_seq", "log_line_count", "metadata_count", "cumulative_metadata",
    "runtime_facts",
)  # fmt: skip


@dataclass(frozen=True)
class FoldResult:
    """What became of the batches. At most one of the reasons for not writing is set."""

    applied: Applied | None = None
    is_locked: bool = False
    """Another process is at it; look again in a moment."""
    is_over: bool = False
    """The execution has ended or is gone, or the events are of an older attempt: nobody will ever want them."""
    has_gap: bool = False

    @property
    def is_finished(self) -> bool:
        return self.applied is not None and self.applied.is_finished


def fold_events(execution_id: UUID, *, wait_for_lock: bool = True, bridge_gaps: bool = False) -> FoldResult:
    """Fold everything that waits in the execution's stream. The result is that of the last slice."""
    result = FoldResult()
    for batches in stream.slices(execution_id):
        result = fold_batches(execution_id, batches, wait_for_lock=wait_for_lock, bridge_gaps=bridge_gaps)
        if result.applied is None or result.is_finished or result.has_gap:
            break
    return result


def fold_batches(
    execution_id: UUID, batches: Sequence[Batch], *, wait_for_lock: bool = True, bridge_gaps: bool = False
) -> FoldResult:
    """Fold entries that were read from the stream, in order. Raises what the database or Redis raise when they are away."""
    head = stream.read_head(execution_id)
    for batch in batches:
        if batch.body is not None:
            _keep_damaged(execution_id, batch)
    try:
        result, epoch = _fold_in_transaction(execution_id, batches, head, wait_for_lock, bridge_gaps)
    except (DataError, ValueError, OverflowError) as error:
        return _one_by_one(execution_id, batches, error, wait_for_lock, bridge_gaps)
    if result.applied is not None:
        _tell(execution_id, epoch, result.applied, result.has_gap, batches)
    return result


def _fold_in_transaction(
    execution_id: UUID,
    batches: Sequence[Batch],
    head: stream.Head | None,
    wait_for_lock: bool,
    bridge_gaps: bool,
) -> tuple[FoldResult, int]:
    with transaction.atomic(durable=True):
        rows = Execution.objects.filter(pk=execution_id).only(*_COLUMNS)
        execution = rows.select_for_update(no_key=True, skip_locked=not wait_for_lock, of=("self",)).first()
        if execution is None:
            exists = not wait_for_lock and rows.exists()
            return FoldResult(is_locked=exists, is_over=not exists), 0
        if execution.status not in RUNNING or (head is not None and head.epoch < execution.epoch):
            return FoldResult(is_over=True), execution.epoch
        folded = fold(
            Position(execution.next_seq, execution.log_line_count), batches, bridge_gaps=bridge_gaps
        )
        if folded.position.seq == execution.next_seq:
            applied = Applied(next_seq=execution.next_seq, next_line=execution.log_line_count)
        else:
            applied = apply(execution, folded)
    _note_gap(execution_id, folded)
    return FoldResult(applied=applied, has_gap=folded.gap_before is not None), execution.epoch


def _one_by_one(
    execution_id: UUID, batches: Sequence[Batch], error: Exception, wait_for_lock: bool, bridge_gaps: bool
) -> FoldResult:
    """Something in `batches` cannot be stored: find it, set it aside, and go on with the rest."""
    if len(batches) == 1 and batches[0].body is not None:
        raise error  # it is set aside already: the fault is elsewhere
    if len(batches) == 1:
        logger.error("events set aside", extra={"execution": str(execution_id)}, exc_info=error)
        body = json.dumps(batches[0].segments).encode()
        batches = [set_aside(batches[0], body)]
    result = FoldResult()
    for batch in batches:
        result = fold_batches(execution_id, [batch], wait_for_lock=wait_for_lock, bridge_gaps=bridge_gaps)
        if result.applied is None or result.is_finished or result.has_gap:
            break
    return result


def _tell(execution_id: UUID, epoch: int, applied: Applied, has_gap: bool, batches: Sequence[Batch]) -> None:
    """After the commit: the agent may forget, viewers may look, the log of an ended execution may be sealed."""
    if applied.is_finished:
        ask_for_sealing(execution_id)
    folded = [batch for batch in batches if batch.end_seq <= applied.next_seq]
    if has_gap:
        stream.restart(execution_id, epoch, applied.next_seq, applied.next_line)
    else:
        stream.acknowledge(execution_id, epoch, applied.next_seq, applied.next_line, folded)
    for kind in sorted(applied.kinds):
        notices.publish(f"execution:{execution_id}", kind)


def _keep_damaged(execution_id: UUID, batch: Batch) -> None:
    """What could not be read stays available to whoever wants to find out why."""
    name = f"logs/{execution_id}/set-aside/{batch.entry_id}"
    logger.error("damaged events set aside", extra={"execution": str(execution_id), "object": name})
    try:
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(batch.body or b""))
    except OSError:
        logger.exception("damaged events could not be kept", extra={"object": name})


def _note_gap(execution_id: UUID, folded: Folded) -> None:
    if folded.gap_before is not None:
        facts = {
            "execution": str(execution_id),
            "expected": folded.position.seq,
            "found": folded.gap_before.first_seq,
        }
        logger.warning("the event stream has a gap; its agent is asked to send again", extra=facts)


def close_abandoned(*, execution_id: UUID, epoch: int, message: str, status: Status = Status.CRASHED) -> bool:
    """End an execution whose worker is lost: fold everything it reported, say why in a last line, mark it.

    The attempt is fenced first, so that nothing can be added behind the last line. Returns False when there was nothing
    to close: the worker's own end was among what it reported, or another attempt took over.
    """
    execution = Execution.objects.select_related("environment").filter(pk=execution_id, epoch=epoch).first()
    if execution is None or execution.status not in RUNNING:
        return False
    queue.fence(queue.job_of(execution))
    if fold_events(execution_id, bridge_gaps=True).is_finished:
        return False
    closed = _close(execution_id, epoch, message, status)
    if closed:
        ask_for_sealing(execution_id)
        notices.publish(f"execution:{execution_id}", "log")
    return closed


@transaction.atomic(durable=True)
def _close(execution_id: UUID, epoch: int, message: str, status: Status) -> bool:
    rows = Execution.objects.filter(pk=execution_id, epoch=epoch, status__in=RUNNING)
    execution = rows.select_for_update(no_key=True, of=("self",)).first()
    if execution is None:
        return False
    line = execution.log_line_count
    said = [
        *execution.runtime_facts.get("notices", []),
        *versions_at_end(execution, status),
        message,
    ]
    segments = [status_segment(execution_id, line + index, text) for index, text in enumerate(said)]
    chunks.append(execution_id, [s._replace(time=s.time + index) for index, s in enumerate(segments)])
    rows.update(log_line_count=line + len(said), next_seq=execution.next_seq + 1)
    return lifecycle.mark_finished(
        execution_id=execution_id,
        epoch=epoch,
        status=status,
        exit_code=None,
        reason=message,
        ended_at=clock.now(),
    )
