"""Calls of providers in threads: a provider that is slow or does not answer keeps nobody else waiting.

Each provider has a few threads of its own. A call that has not ended when a round does is looked at by a later one, and is
not made a second time meanwhile.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from common import clock

THREADS = 8
"""Per provider."""
Kind = Literal["list", "launch", "terminate", "orphan"]


@dataclass(frozen=True)
class Call:
    kind: Kind
    environment_id: UUID
    subject: str = ""
    """The machine's id; the provider's own for an orphan."""


@dataclass(frozen=True)
class Answer:
    call: Call
    began_at: datetime
    result: Any = None
    error: Exception | None = None


class Calls:
    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._running: dict[Call, tuple[datetime, Future[Any]]] = {}

    def start(self, call: Call, provider: str, work: Callable[[], Any]) -> None:
        """Unless the same call is still under way."""
        if call not in self._running:
            self._running[call] = (clock.now(), self._pool(provider).submit(work))

    def is_running(self, call: Call) -> bool:
        return call in self._running

    def answers(self, seconds: float = 0.0) -> Sequence[Answer]:
        """Those that have come, after at most so long; what has not is left for later."""
        if seconds and self._running:
            wait([future for _, future in self._running.values()], timeout=seconds)
        ended = [(call, *entry) for call, entry in self._running.items() if entry[1].done()]
        for call, _, _ in ended:
            del self._running[call]
        return [_answer(call, began_at, future) for call, began_at, future in ended]

    def close(self) -> None:
        """Nothing new is begun; what is under way is not waited for: it is repeated by whoever leads next."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _pool(self, provider: str) -> ThreadPoolExecutor:
        pool = self._pools.get(provider)
        if pool is None:
            pool = ThreadPoolExecutor(THREADS, thread_name_prefix=f"provider-{provider}")
            self._pools[provider] = pool
        return pool


def _answer(call: Call, began_at: datetime, future: "Future[Any]") -> Answer:
    error = future.exception()
    if error is None:
        return Answer(call, began_at, future.result())
    return Answer(call, began_at, error=error if isinstance(error, Exception) else RuntimeError(repr(error)))
