"""Reads many small objects of a store, several at a time and in their order, with a bounded part of them in memory."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from datastores.models import DataStore, Datum
from datastores.opening import object_store

THREADS = 8
MOST_AHEAD = 64
MOST_AHEAD_BYTES = 32 * 1024 * 1024


def contents(store: DataStore, datums: Iterable[Datum]) -> Iterator[tuple[Datum, bytes]]:
    """Raises `StoreProblem` or `ObjectMissing` when the turn of the file comes that cannot be read."""
    ahead: deque[tuple[Datum, Future[bytes]]] = deque()
    bytes_ahead = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="package") as pool:
        try:
            for datum in datums:
                while ahead and (
                    len(ahead) >= MOST_AHEAD or bytes_ahead + datum.size_bytes > MOST_AHEAD_BYTES
                ):
                    first, content = ahead.popleft()
                    bytes_ahead -= first.size_bytes
                    yield first, content.result()
                ahead.append((datum, pool.submit(_read, store, datum)))
                bytes_ahead += datum.size_bytes
            while ahead:
                first, content = ahead.popleft()
                yield first, content.result()
        finally:
            for _, content in ahead:
                content.cancel()


def _read(store: DataStore, datum: Datum) -> bytes:
    """A little more than it should have at most, so that an object that has grown is noticed and does not fill the memory.

    Each thread opens the store for itself: not every client may be shared.
    """
    return b"".join(object_store(store).read(datum.key, most_bytes=datum.size_bytes + 1))
