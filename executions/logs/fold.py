"""The fold over a worker's event stream, as a pure function: (where we are, batches) -> what they add.

Idempotent by sequence number: events that were folded before are skipped, a batch that overlaps is cut, and a batch that
leaves a gap is refused together with everything after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from executions.logs.batches import Batch
from executions.logs.segments import Segment, make_segment, without_first
from executions.metadata.lines import MetadataEvent, metadata_in
from peon.protocol import events


@dataclass(frozen=True)
class Position:
    """The first event and the first line that are not folded in yet."""

    seq: int
    line: int


@dataclass
class Folded:
    """What a run of batches adds to an execution, in order."""

    position: Position
    segments: list[Segment] = field(default_factory=list)
    metadata: list[MetadataEvent] = field(default_factory=list)
    stats: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    finish: dict[str, Any] | None = None
    gap_before: Batch | None = None
    """The batch that does not continue the stream; it and what follows it were not folded."""


def fold(position: Position, batches: Iterable[Batch], *, bridge_gaps: bool = False) -> Folded:
    """`bridge_gaps` is for a stream that nobody will ever complete: status lines stand for what is missing."""
    folded = Folded(position)
    for batch in batches:
        if folded.finish is not None:
            break
        if batch.first_seq > folded.position.seq:
            if not bridge_gaps:
                folded.gap_before = batch
                break
            _bridge(folded, batch)
        if batch.end_seq > folded.position.seq:
            _add_batch(folded, batch.segments, skip=folded.position.seq - batch.first_seq)
    return folded


def _add_batch(folded: Folded, segments: Sequence[dict[str, Any]], skip: int) -> None:
    """Add everything after the first `skip` events. `finish` ends the stream: what follows it is not looked at."""
    for segment in segments:
        count = events.event_count(segment)
        if skip >= count:
            skip -= count
            continue
        line = folded.position.line
        if events.is_line_segment(segment):
            line = _add_lines(folded, segment, skip)
        else:
            _add_fact(folded, segment)
        folded.position = Position(folded.position.seq + count - skip, line)
        skip = 0
        if folded.finish is not None:
            return


def _add_lines(folded: Folded, wire: dict[str, Any], skip: int) -> int:
    whole = make_segment(folded.position.line - skip, wire["k"], wire["t"], wire["p"])
    segment = without_first(whole, skip)
    folded.segments.append(segment)
    if segment.kind == events.STDOUT:
        folded.metadata.extend(metadata_in(segment))
    return segment.end_line


def _add_fact(folded: Folded, fact: dict[str, Any]) -> None:
    kind = fact["k"]
    if kind == events.STATS:
        folded.stats.append(fact)
    elif kind == events.OUTPUT:
        folded.outputs.append(fact)
    elif kind == events.ALERT:
        folded.alerts.append(fact)
    elif kind == events.INFO and isinstance(fact.get("values"), dict):
        folded.info.update(fact["values"])
    elif kind == events.FINISH:
        folded.finish = fact


def _bridge(folded: Folded, batch: Batch) -> None:
    missing = max(0, batch.first_line - folded.position.line)
    if missing:
        text = "\n".join([f"{missing} log lines were lost here."] + ["(lost)"] * (missing - 1))
        time = batch.segments[0].get("t", 0) - missing if batch.segments else 0
        folded.segments.append(make_segment(folded.position.line, events.STATUS, max(0, time), text))
    folded.position = Position(batch.first_seq, folded.position.line + missing)
