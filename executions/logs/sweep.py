"""Compares where the database stands with where the streams stand, for every running execution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.redis import client
from executions.logs import stream
from executions.logs.stream import Head, head_from
from executions.models import Execution
from executions.types import RUNNING
from peon.protocol import keys


@dataclass(frozen=True)
class _Stored:
    execution_id: UUID
    epoch: int
    next_seq: int
    next_line: int


class Sweep:
    def __init__(self) -> None:
        self._holes: dict[UUID, int] = {}

    def look(self) -> tuple[set[UUID], list[UUID]]:
        """The running executions, and those of them whose streams hold what the database does not know.

        On the way it mends what Redis forgot: a head that is behind the database (an old Redis snapshot came back), or one
        whose entries are gone (seen twice, because ingest may be trimming just now). The agent then sends again.
        """
        columns = ("pk", "epoch", "next_seq", "log_line_count")
        running = [
            _Stored(*row) for row in Execution.objects.filter(status__in=RUNNING).values_list(*columns)
        ]
        behind: list[UUID] = []
        holes: dict[UUID, int] = {}
        for stored, (entries, head) in zip(running, _streams(running), strict=True):
            if head is None or head.epoch < stored.epoch or head.next_seq < 0:
                continue
            if head.next_seq < stored.next_seq:
                stream.acknowledge(stored.execution_id, stored.epoch, stored.next_seq, stored.next_line, [])
            elif head.next_seq > stored.next_seq and entries:
                behind.append(stored.execution_id)
            elif head.next_seq > stored.next_seq:
                holes[stored.execution_id] = stored.next_seq
                if self._holes.get(stored.execution_id) == stored.next_seq:
                    stream.restart(stored.execution_id, stored.epoch, stored.next_seq, stored.next_line)
        self._holes = holes
        return {stored.execution_id for stored in running}, behind


def _streams(running: Sequence[_Stored]) -> list[tuple[int, Head | None]]:
    """Number of entries and head, for each."""
    if not running:
        return []
    pipe = client().pipeline(transaction=False)
    for stored in running:
        name = str(stored.execution_id)
        pipe.xlen(keys.events(name))
        pipe.hmget(keys.events_head(name), ["epoch", "next_seq", "next_line", "acked_seq"])
    answers: list[Any] = pipe.execute()
    return [(answers[i], head_from(answers[i + 1])) for i in range(0, len(answers), 2)]
