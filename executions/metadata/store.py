"""Metadata events of an execution in the database: appended by ingest, read by everybody."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Length

from executions.metadata.columns import Columns, pack, split, unpack
from executions.metadata.lines import MetadataEvent
from executions.models import Execution, MetadataChunk

TIME_KEY = "_time"
MAX_KEYS = 2000
KEYS_REFUSED = (
    f"More than {MAX_KEYS} different metadata keys were logged. The first {MAX_KEYS} are kept as metadata; lines with "
    "others are in the log only. Log a value under a fixed key, with what varies as a value of its own."
)
_MERGE_BELOW_EVENTS = 1000
_MERGE_BELOW_BYTES = 32 * 1024


def append(execution_id: UUID, first_index: int, events: Sequence[MetadataEvent]) -> None:
    """Store events whose first has the given index. Runs in ingest's transaction, under the execution's row lock.

    A small last chunk is rewritten with the new events, so that a slow job does not leave a row per event.
    """
    last = _small_last_chunk(execution_id)
    onto = unpack(bytes(last.data)) if last else None
    index = last.first_index if last else first_index
    for columns in split(events, onto):
        if last is not None:
            MetadataChunk.objects.filter(pk=last.pk).update(event_count=len(columns), data=pack(columns))
            last = None
        else:
            MetadataChunk.objects.create(
                execution_id=execution_id, first_index=index, event_count=len(columns), data=pack(columns)
            )
        index += len(columns)


def _small_last_chunk(execution_id: UUID) -> MetadataChunk | None:
    last = (
        MetadataChunk.objects.filter(execution_id=execution_id)
        .annotate(size=Length("data"))
        .order_by("-first_index")
        .values_list("pk", "event_count", "size")
        .first()
    )
    if last is None or last[1] >= _MERGE_BELOW_EVENTS or last[2] >= _MERGE_BELOW_BYTES:
        return None
    return MetadataChunk.objects.get(pk=last[0])


def within_key_limit(
    events: Sequence[MetadataEvent], known_keys: set[str]
) -> tuple[list[MetadataEvent], bool]:
    """The events without keys beyond the limit, and whether any was left out. `known_keys` is brought up to date."""
    kept: list[MetadataEvent] = []
    refused = False
    for event in events:
        values = event.values
        fresh = [key for key in values if key not in known_keys]
        if fresh:
            room = max(0, MAX_KEYS - len(known_keys))
            known_keys.update(fresh[:room])
            if len(fresh) > room:
                refused = True
                unwanted = set(fresh[room:])
                values = {key: value for key, value in values.items() if key not in unwanted}
        if values:
            kept.append(event._replace(values=values))
    return kept, refused


def latest_values(events: Sequence[MetadataEvent]) -> dict[str, Any]:
    """The last value of each key; null says nothing."""
    latest: dict[str, Any] = {}
    for event in events:
        latest.update(event.values)
    if any(value is None for value in latest.values()):
        latest = {}
        for event in events:
            latest.update({key: value for key, value in event.values.items() if value is not None})
    return latest


def chunks(execution_id: UUID, first_index: int = 0) -> Iterator[tuple[int, Columns]]:
    """Chunks that hold events from `first_index` on, in order, each with the index of its first event."""
    stored = MetadataChunk.objects.filter(execution_id=execution_id).order_by("first_index")
    before = (
        stored.filter(first_index__lte=first_index)
        .order_by("-first_index")
        .values_list("first_index")
        .first()
    )
    rows = stored.filter(first_index__gte=before[0] if before else 0).values_list("first_index", "data")
    for index, data in rows.iterator(chunk_size=16):
        yield index, unpack(bytes(data))


def read(execution_id: UUID, first_index: int = 0, limit: int | None = None) -> Iterator[MetadataEvent]:
    """Events from an index on, in order."""
    left = limit
    for index, columns in chunks(execution_id, first_index):
        for event in columns.events(max(0, first_index - index)):
            if left is not None:
                if left <= 0:
                    return
                left -= 1
            yield event


def last_events(execution: Execution, count: int) -> list[dict[str, Any]]:
    """The last events in order, as the API shows them."""
    first = max(0, execution.metadata_count - count)
    return [shown(event) for event in read(execution.pk, first)]


def shown(event: MetadataEvent) -> dict[str, Any]:
    return {**event.values, TIME_KEY: iso_time(event.time)}


def iso_time(microseconds: int) -> str:
    """UTC without a zone and with exactly six digits, as the clients expect of events."""
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
        microsecond=microseconds % 1_000_000, tzinfo=None
    )
    return moment.isoformat(timespec="microseconds")
