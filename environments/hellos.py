"""What agents say of themselves in Redis. Each is heard in the queues that it serves; agents up to 0.1.0 in one place for all."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from common.redis import client
from peon.protocol import keys

_LONGEST_NAME = 128


@dataclass(frozen=True)
class Hello:
    identity: str
    text: bytes
    queue: str | None
    """Where it was heard; None: in the place for all."""

    @cached_property
    def said(self) -> dict[str, Any] | None:
        """None for what no agent says."""
        try:
            said = json.loads(self.text)
        except ValueError:
            return None
        return said if isinstance(said, dict) and len(self.identity) <= _LONGEST_NAME else None

    @property
    def queues(self) -> list[str]:
        """Whatever an agent says of itself, it serves no queue but those in which it is heard."""
        if self.queue is not None:
            return [self.queue]
        names = (self.said or {}).get("queues")
        return [str(name) for name in names] if isinstance(names, list) else []


def ask(pipe: Any, queues: Sequence[str]) -> int:
    """Put the questions into the pipeline; how many there are."""
    pipe.hgetall(keys.WORKERS)
    for queue in queues:
        pipe.hgetall(keys.queue_workers(queue))
    return 1 + len(queues)


def read(queues: Sequence[str], answers: Iterable[dict[bytes, bytes]]) -> list[Hello]:
    """The answers to `ask`. A worker that was updated is heard in its queue, and no longer where it spoke before."""
    before, *by_queue = answers
    own = [
        Hello(identity.decode("utf-8", "replace"), text, queue)
        for queue, said in zip(queues, by_queue, strict=True)
        for identity, text in said.items()
    ]
    updated = {hello.identity for hello in own}
    shared = [Hello(identity.decode("utf-8", "replace"), text, None) for identity, text in before.items()]
    return [*own, *(hello for hello in shared if hello.identity not in updated)]


def heard(queues: Sequence[str]) -> list[Hello]:
    """One round trip, however many queues. Raises `redis.RedisError`."""
    pipe = client().pipeline(transaction=False)
    ask(pipe, queues)
    return read(queues, pipe.execute())
