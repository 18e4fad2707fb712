"""Metadata as CSV: a row per event, a column per key."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from common.rest.downloads import csv_pieces
from executions.metadata import store
from executions.metadata.store import TIME_KEY, iso_time
from executions.models import Execution


def csv_of_execution(execution: Execution) -> Iterator[str]:
    """Columns: `_time`, then every key in alphabetical order."""
    keys = sorted({*execution.cumulative_metadata} - {TIME_KEY})
    return csv_pieces([TIME_KEY, *keys], _rows(execution, keys, ()))


def csv_of_executions(executions: Sequence[Execution]) -> Iterator[str]:
    """Columns: which execution, `_time`, then every key that any of them has."""
    keys = sorted({key for execution in executions for key in execution.cumulative_metadata} - {TIME_KEY})
    rows = (
        row
        for execution in executions
        for row in _rows(execution, keys, (str(execution.pk), execution.title, execution.counter))
    )
    return csv_pieces(["execution_id", "execution_title", "execution_counter", TIME_KEY, *keys], rows)


def _rows(execution: Execution, keys: Sequence[str], leading: tuple[Any, ...]) -> Iterator[list[Any]]:
    for event in store.read(execution.pk):
        yield [*leading, iso_time(event.time), *(_cell(event.values.get(key)) for key in keys)]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
