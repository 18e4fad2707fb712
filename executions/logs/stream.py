"""The execution's event stream in Redis, as the server reads and shortens it. The agent's half is in `peon.protocol`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from common.redis import client
from executions.logs.batches import Batch, read_batch
from peon.protocol import keys

SLICE_ENTRIES = 16  # at most 4 MB: an entry has at most 256 KB
KEPT_BYTES = 1024 * 1024
KEPT_ENTRIES = 64
"""What stays of the entries that were folded last, so that live viewers who are a little behind need not ask the
database. Everything older goes at once: a full stream makes the agent wait."""

_ACKNOWLEDGE = """
-- KEYS: stream, head   ARGV: epoch, next_seq, next_line, id below which entries go ('' keeps all)
-- Tells the agent what is stored. A head that Redis lost a part of is brought up to what the database knows.
local head = redis.call('HMGET', KEYS[2], 'epoch', 'next_seq', 'acked_seq')
if head[1] and tonumber(head[1]) == tonumber(ARGV[1]) then
  if tonumber(head[3] or '-1') < tonumber(ARGV[2]) then redis.call('HSET', KEYS[2], 'acked_seq', ARGV[2]) end
  if tonumber(head[2] or '-1') < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[2], 'next_seq', ARGV[2], 'next_line', ARGV[3])
  end
end
if ARGV[4] ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', ARGV[4]) end
return 1
"""

_RESTART = """
-- KEYS: stream, head   ARGV: epoch, next_seq, next_line
-- The stream has a hole: the agent still has everything that is not acknowledged and sends it again from here.
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if epoch and tonumber(epoch) ~= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'next_seq', ARGV[2], 'next_line', ARGV[3], 'acked_seq', ARGV[2])
return 1
"""


@dataclass(frozen=True)
class Head:
    """Where the stream stands; -1 for what Redis does not know."""

    epoch: int
    next_seq: int
    next_line: int
    acked_seq: int


def read_head(execution_id: UUID) -> Head | None:
    values: Any = client().hmget(_head(execution_id), ["epoch", "next_seq", "next_line", "acked_seq"])
    return head_from(values)


def head_from(values: Iterable[bytes | None]) -> Head | None:
    epoch, *others = (-1 if value is None else int(value) for value in values)
    return None if epoch < 0 else Head(epoch, *others)


def read_slice(execution_id: UUID, after: str | None = None, count: int = SLICE_ENTRIES) -> list[Batch]:
    """The next entries behind the entry `after`, or from the start."""
    start = f"({after}" if after else "-"
    entries: Any = client().xrange(_stream(execution_id), start, "+", count=count)
    return [read_batch(entry_id, fields) for entry_id, fields in entries]


def slices(execution_id: UUID, after: str | None = None) -> Iterator[list[Batch]]:
    """Everything behind `after`, a bounded slice at a time."""
    while batches := read_slice(execution_id, after):
        yield batches
        after = batches[-1].entry_id


def acknowledge(execution_id: UUID, epoch: int, next_seq: int, next_line: int, folded: list[Batch]) -> None:
    """Everything before `next_seq` is stored. Of the stream only the end of `folded` and what follows it stays."""
    arguments = [epoch, next_seq, next_line, _trim_below(folded)]
    _script(_ACKNOWLEDGE)([_stream(execution_id), _head(execution_id)], arguments)


def trim_through(execution_id: UUID, entry_id: str) -> None:
    """Let go of every entry up to and including this one, which must have been folded."""
    client().xtrim(_stream(execution_id), minid=_id_after(entry_id), approximate=False)


def restart(execution_id: UUID, epoch: int, next_seq: int, next_line: int) -> None:
    arguments = [epoch, next_seq, next_line]
    _script(_RESTART)([_stream(execution_id), _head(execution_id)], arguments)


def forget(execution_id: UUID) -> None:
    """Delete the stream and its head: an agent that still writes is told that it is unknown."""
    client().delete(_stream(execution_id), _head(execution_id))


def _trim_below(folded: list[Batch]) -> str:
    if not folded:
        return ""
    first_kept = _id_after(folded[-1].entry_id)
    size = 0
    for batch in reversed(folded[-KEPT_ENTRIES:]):
        size += batch.size_bytes
        if size > KEPT_BYTES:
            break
        first_kept = batch.entry_id
    return first_kept


def _id_after(entry_id: str) -> str:
    milliseconds, _, number = entry_id.partition("-")
    return f"{milliseconds}-{int(number) + 1}"


def _stream(execution_id: UUID) -> str:
    return str(keys.events(str(execution_id)))


def _head(execution_id: UUID) -> str:
    return str(keys.events_head(str(execution_id)))


@lru_cache
def _script(source: str) -> Any:
    return client().register_script(source)
