"""Writes what a fold found into the rows of an execution: the only writer of log and metadata chunks.

Everything here runs inside one transaction that holds the execution's row.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from common import clock
from common.errors import DomainError
from common.rest.times import timestamp
from datastores.models import Datum
from datastores.services import mark_stored
from executions import lifecycle
from executions.logs import chunks, samples
from executions.logs.dataset_versions import versions_at_end
from executions.logs.fold import Folded
from executions.logs.segments import Segment, make_segment
from executions.metadata import store
from executions.metadata.lines import clean_object, clean_text
from executions.models import Execution
from executions.types import ALERTS, FINAL, Status
from peon.protocol import events

logger = logging.getLogger(__name__)

NOTICES = "notices"
"""Key of `runtime_facts`: what ingest has to say; it becomes status lines at the end, when no worker numbers lines."""
MOST_ALERTS = 100
MAX_FACTS_CHARACTERS = 16_384


@dataclass
class Applied:
    """What was written, as far as others want to hear of it."""

    kinds: set[str] = field(default_factory=set)
    raw_bytes: int = 0
    next_seq: int = 0
    next_line: int = 0
    is_finished: bool = False


def apply(execution: Execution, folded: Folded) -> Applied:
    """Write everything that `folded` adds to the locked `execution`."""
    applied = Applied(next_seq=folded.position.seq, next_line=folded.position.line)
    facts = dict(execution.runtime_facts)
    changes: dict[str, Any] = {}
    notices = [
        *_metadata(execution, folded, changes, applied),
        *_outputs(execution, folded, changes, applied),
        *_dataset_versions(execution, folded),
    ]
    _stats(execution, folded, changes, applied)
    if folded.info:
        facts.update(bounded_facts(folded.info))
        applied.kinds.add("state")
    if folded.alerts:
        facts[ALERTS] = [*facts.get(ALERTS, []), *map(_alert, folded.alerts)][:MOST_ALERTS]
        applied.kinds.add("state")
    if notices:
        facts[NOTICES] = list(dict.fromkeys([*facts.get(NOTICES, []), *notices]))[:20]
    if facts != execution.runtime_facts:
        changes["runtime_facts"] = facts
    segments = list(folded.segments)
    if folded.finish is not None:
        segments += _closing_lines(execution.pk, folded, facts.get(NOTICES, []))
        applied.next_line = folded.position.line + len(facts.get(NOTICES, []))
    if segments:
        applied.raw_bytes = chunks.append(execution.pk, segments)
        applied.kinds.add("log")
    changes |= {"next_seq": applied.next_seq, "log_line_count": applied.next_line}
    Execution.objects.filter(pk=execution.pk).update(**changes)
    if folded.finish is not None:
        _finish(execution, folded.finish)
        applied.is_finished = True
    return applied


def status_segment(execution_id: UUID, first_line: int, message: str) -> Segment:
    """A status line of the platform's own, later than every line before it."""
    now = int(clock.now().timestamp() * 1_000_000)
    text = clean_text(message, 4000).replace("\n", " ")
    return make_segment(first_line, events.STATUS, max(now, chunks.last_time(execution_id) + 1), text)


def bounded_facts(info: dict[str, Any]) -> dict[str, Any]:
    facts = clean_object(info)
    for ours in (NOTICES, ALERTS):
        facts.pop(ours, None)
    return facts if len(json.dumps(facts)) <= MAX_FACTS_CHARACTERS else {"too_large": True}


def _alert(fact: dict[str, Any]) -> dict[str, Any]:
    """Texts of a worker, within bounds."""
    kind, text, time = (fact.get(name) for name in ("kind", "text", "t"))
    reported = moment(time) if type(time) is int and 0 <= time < 2**52 else clock.now()
    return {
        "kind": clean_text(str(kind or "other"), 40),
        "text": clean_text(str(text or ""), 2000),
        "time": timestamp(reported),
    }


def finish_fields(finish: dict[str, Any]) -> dict[str, Any]:
    """Status, exit code, reason and time of a `finish` event, whatever an agent of another version put there."""
    status, code = finish.get("status"), finish.get("exit_code")
    reason = finish.get("reason")
    reason = clean_text(reason, 4000) if isinstance(reason, str) else ""
    if status not in FINAL:
        reason = f"The worker reported an end that this version does not know: {clean_text(str(status), 40)}. {reason}"
        status = Status.CRASHED
    fits = type(code) is int and -(2**31) <= code < 2**31
    return {"status": str(status), "exit_code": code if fits else None, "reason": reason}


def _metadata(execution: Execution, folded: Folded, changes: dict[str, Any], applied: Applied) -> list[str]:
    if not folded.metadata:
        return []
    known = set(execution.cumulative_metadata)
    kept, refused = store.within_key_limit(folded.metadata, known)
    if kept:
        store.append(execution.pk, execution.metadata_count, kept)
        changes["metadata_count"] = execution.metadata_count + len(kept)
        latest = {**execution.cumulative_metadata, **store.latest_values(kept)}
        if latest != execution.cumulative_metadata:
            changes["cumulative_metadata"] = latest
        applied.kinds.add("metadata")
    return [store.KEYS_REFUSED] if refused else []


def _stats(execution: Execution, folded: Folded, changes: dict[str, Any], applied: Applied) -> None:
    found = [reading for fact in folded.stats if (reading := samples.readings(fact))]
    if not found:
        return
    samples.record(execution.pk, found)
    time, values = found[-1]
    changes["latest_stats"] = {**values, "time": time}
    applied.kinds.add("stats")


def _outputs(execution: Execution, folded: Folded, changes: dict[str, Any], applied: Applied) -> list[str]:
    if not folded.outputs:
        return []
    notices = [notice for fact in folded.outputs if (notice := _store_output(execution, fact))]
    stored = Datum.objects.filter(output_execution_id=execution.pk, stored_at__isnull=False)
    changes["output_count"] = stored.count()
    applied.kinds.add("outputs")
    return notices


def _dataset_versions(execution: Execution, folded: Folded) -> list[str]:
    return versions_at_end(execution, finish_fields(folded.finish)["status"]) if folded.finish else []


def _store_output(execution: Execution, fact: dict[str, Any]) -> str | None:
    """Mark one file as stored; a sentence when that cannot be done. One bad report must not hold up the others."""
    name = clean_text(str(fact.get("name", "")), 200)
    try:
        datum_id = UUID(str(fact.get("datum_id")))
        # A worker speaks for its own execution's files only.
        if not Datum.objects.filter(pk=datum_id, output_execution_id=execution.pk).exists():
            return f"The output {name} was reported as stored, but no upload of it was ever granted."
        with transaction.atomic():
            datum = mark_stored(datum_id=datum_id, **_file_facts(fact))
    except (OperationalError, InterfaceError):
        raise
    except (DatabaseError, DomainError, ValueError, TypeError, OverflowError) as error:
        logger.warning(
            "output refused", extra={"execution": str(execution.pk), "output": name}, exc_info=True
        )
        return f"The output {name} could not be registered: {clean_text(str(error), 300)}"
    if datum is not None and datum.metadata_errors:
        return f"Metadata of the output {name}: {clean_text(' '.join(datum.metadata_errors), 500)}"
    return None


def _file_facts(fact: dict[str, Any]) -> dict[str, Any]:
    modified, metadata = fact.get("file_mtime"), fact.get("metadata")
    return {
        "size_bytes": int(fact.get("size") or 0),
        **{name: fact.get(name) or None for name in ("md5", "sha1", "sha256")},
        "file_modified_at": moment(modified) if type(modified) is int else None,
        "metadata": clean_object(metadata) if isinstance(metadata, dict) else {},
    }


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _closing_lines(execution_id: UUID, folded: Folded, notices: Sequence[str]) -> list[Segment]:
    line = folded.position.line
    latest = max((s.time + s.line_count for s in folded.segments), default=0)
    lines = []
    for index, notice in enumerate(notices):
        segment = status_segment(execution_id, line + index, notice)
        lines.append(segment._replace(time=max(segment.time, latest) + index))
    return lines


def _finish(execution: Execution, finish: dict[str, Any]) -> None:
    now = clock.now()
    reported = finish.get("t")
    ended = moment(reported) if type(reported) is int and 0 <= reported < 2**52 else now
    if execution.started_at is not None:
        ended = max(ended, execution.started_at)  # the worker's clock may be behind ours
    lifecycle.mark_finished(
        execution_id=execution.pk, epoch=execution.epoch, ended_at=min(ended, now), **finish_fields(finish)
    )
