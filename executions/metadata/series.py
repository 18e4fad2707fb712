"""Metadata as series for a chart: one value over another, reduced to what a screen can show.

Reduction keeps extremes: of each bucket of neighbouring points the smallest and the largest stay, so that a spike of one
event in a million is still drawn.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from executions.metadata import store
from executions.metadata.columns import Columns
from executions.metadata.store import TIME_KEY
from executions.models import Execution

INDEX_KEY = "_index"
DEFAULT_POINTS = 1000
MAX_POINTS = 20_000


@dataclass(frozen=True)
class Series:
    """Points in ascending order of x. `count` is how many there were before reduction."""

    x: list[float]
    y: list[float]
    count: int


def series(
    execution: Execution, keys: Sequence[str], x_key: str = TIME_KEY, max_points: int = DEFAULT_POINTS
) -> dict[str, Series]:
    """The numbers logged under each key. x is microseconds since 1970 (`_time`), the event's number (`_index`) or any key.

    Events without a number for x or y are left out; booleans count as 0 and 1.
    """
    points: dict[str, tuple[list[float], list[float]]] = {key: ([], []) for key in keys}
    for first_index, columns in store.chunks(execution.pk):
        xs = _x_values(columns, x_key, first_index)
        for key in keys:
            _collect(points[key], xs, columns.values.get(key, ()))
    return {key: _series(xs, ys, max_points) for key, (xs, ys) in points.items()}


def downsample(xs: Sequence[float], ys: Sequence[float], max_points: int) -> tuple[list[float], list[float]]:
    """At most about `max_points` points: the first, the last, and the extremes of every bucket between."""
    count = len(xs)
    if count <= max_points:
        return list(xs), list(ys)
    buckets = max(1, (max_points - 2) // 2)
    chosen = [0]
    for bucket in range(buckets):
        start = 1 + bucket * (count - 2) // buckets
        end = 1 + (bucket + 1) * (count - 2) // buckets
        window = ys[start:end]
        lowest, highest = window.index(min(window)), window.index(max(window))
        chosen += [start + index for index in sorted({lowest, highest})]
    chosen.append(count - 1)
    return [xs[i] for i in chosen], [ys[i] for i in chosen]


def _x_values(columns: Columns, x_key: str, first_index: int) -> Sequence[Any]:
    if x_key == TIME_KEY:
        return columns.times
    if x_key == INDEX_KEY:
        return range(first_index, first_index + len(columns))
    return columns.values.get(x_key, ())


_NUMBERS = frozenset({float, int, bool})


def _collect(points: tuple[list[float], list[float]], xs: Sequence[Any], ys: Sequence[Any]) -> None:
    """Add the pairs that are both numbers. Columns of one kind, the usual case, are added whole."""
    if not xs or not ys:
        return
    if {*map(type, xs), *map(type, ys)} <= _NUMBERS:
        points[0].extend(xs)
        points[1].extend(ys)
        return
    pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if type(x) in _NUMBERS and type(y) in _NUMBERS]
    points[0].extend(x for x, _ in pairs)
    points[1].extend(y for _, y in pairs)


def _series(xs: list[float], ys: list[float], max_points: int) -> Series:
    if not _is_ascending(xs):
        order = sorted(range(len(xs)), key=xs.__getitem__)
        xs, ys = [xs[i] for i in order], [ys[i] for i in order]
    kept_x, kept_y = downsample(xs, ys, max_points)
    return Series([_plain(x) for x in kept_x], [_plain(y) for y in kept_y], len(xs))


def _is_ascending(values: Sequence[float]) -> bool:
    return all(map(operator.le, values, islice(values, 1, None)))


def _plain(value: float) -> float:
    return int(value) if type(value) is bool else value
