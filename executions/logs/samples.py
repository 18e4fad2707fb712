"""Resource use: the newest values on the execution, and a row per interval with extremes and average."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from executions.models import Execution, ResourceSample

INTERVAL_SECONDS = 120
MAX_KEYS = 64


def readings(fact: dict[str, Any]) -> tuple[int, dict[str, float]] | None:
    """Time in microseconds and values of a stats event; None when it says nothing usable."""
    time, values = fact.get("t"), fact.get("values")
    if type(time) is not int or not 0 <= time < 2**55 or not isinstance(values, dict):
        return None
    usable = {str(key)[:64]: value for key, value in values.items() if _is_number(value)}
    return (time, dict(list(usable.items())[:MAX_KEYS])) if usable else None


def record(execution_id: UUID, facts: Iterable[tuple[int, dict[str, float]]]) -> None:
    """Add readings to the samples of their intervals. Runs in ingest's transaction, under the row lock."""
    by_interval: dict[int, list[dict[str, float]]] = {}
    for time, values in facts:
        by_interval.setdefault(time // 1_000_000 // INTERVAL_SECONDS * INTERVAL_SECONDS, []).append(values)
    for seconds, found in by_interval.items():
        sample, _ = ResourceSample.objects.get_or_create(
            execution_id=execution_id,
            started_at=datetime.fromtimestamp(seconds, UTC),
            defaults={"values": {}, "sample_count": 0},
        )
        for values in found:
            sample.values = merged(sample.values, sample.sample_count, values)
            sample.sample_count += 1
        sample.save(update_fields=["values", "sample_count"])


def merged(so_far: dict[str, Any], count: int, values: dict[str, float]) -> dict[str, Any]:
    """`so_far` of `count` readings with one more. A key that comes later counts as if it had been there before."""
    result = dict(so_far)
    for key, value in values.items():
        old = result.get(key)
        result[key] = (
            {"min": value, "avg": value, "max": value}
            if old is None
            else {
                "min": min(old["min"], value),
                "avg": (old["avg"] * count + value) / (count + 1),
                "max": max(old["max"], value),
            }
        )
    return result


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value) and abs(value) < 1e18


@dataclass(frozen=True)
class Sample:
    """One interval as the API shows it; times as text in UTC."""

    start_time: str
    end_time: str
    n_entries: int
    values: dict[str, Any]


def samples_of(execution: Execution) -> list[Sample]:
    """Every interval in order."""
    rows = ResourceSample.objects.filter(execution=execution).order_by("started_at")
    return [
        Sample(
            start_time=_text(row.started_at),
            end_time=_text(row.started_at + timedelta(seconds=INTERVAL_SECONDS)),
            n_entries=row.sample_count,
            values=row.values,
        )
        for row in rows
    ]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
