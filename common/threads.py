"""Blocking work for the event loop: a few threads that keep their database connections."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

QUICK = "quick"
"""Reads of a row or two."""
LONG = "long"
"""Reads that may wait for storage: they do not stand in the way of the quick ones."""
_THREADS = {QUICK: 2, LONG: 3}


async def in_thread(kind: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` on a thread of the given kind."""

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_pool(kind), call)


@lru_cache
def _pool(kind: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS[kind], thread_name_prefix=f"live-{kind}")


def shut_down() -> None:
    """End the threads, and with them their database connections; the next call starts new ones."""
    for kind in _THREADS:
        _pool(kind).shutdown()
    _pool.cache_clear()
