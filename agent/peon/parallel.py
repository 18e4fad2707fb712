"""Some threads over many items, for work that mostly waits for the network."""

import threading
import time

_LOOK_SECONDS = 0.1
_FIRST = 4
_MORE = 4
_CORES_TO_SPARE = 0.5


def in_parallel(work, items, most, check):
    """`[work(item) for item in items]` by up to `most` threads.

    Raises the first exception of `work`, or what `check` raises; `check` is called all the while. Then no further item
    is begun, and items under way are not waited for: a stalled connection must not keep a job from being stopped.
    """
    numbers = _Numbers(len(items))
    results = [None] * len(items)

    def work_at(number):
        results[number] = work(items[number])

    until_empty(work_at, numbers.take, min(most, len(items)), check)
    return results


def until_empty(work, take, most, check):
    """`work(take())` by up to `most` threads until `take`, which they call at the same time, gives None.

    A few begin, and more come while they mostly wait: for a store that is near, threads would only take the processor from
    each other; one that is far is waited for by many at once. Raises as `in_parallel` does.
    """
    crew = _Crew(work, take)
    crew.enlarge(min(_FIRST, most))
    busy = BusyCores()
    try:
        while not crew.done.wait(_LOOK_SECONDS):
            check()
            if busy.since_last() < _CORES_TO_SPARE and crew.size < most:
                crew.enlarge(min(_MORE, most - crew.size))
    finally:
        crew.ended = True
    if crew.failure is not None:
        raise crew.failure


class BusyCores:
    """How many processor cores this process has used since it was last asked."""

    def __init__(self):
        self._before = (time.process_time(), time.monotonic())

    def since_last(self):
        used, passed = self._before
        self._before = (time.process_time(), time.monotonic())
        return (self._before[0] - used) / max(0.001, self._before[1] - passed)


class _Numbers:
    def __init__(self, count):
        self._count = count
        self._next = 0
        self._lock = threading.Lock()

    def take(self):
        with self._lock:
            self._next += 1
            return self._next - 1 if self._next <= self._count else None


class _Crew:
    def __init__(self, work, take):
        self.failure = None
        self.ended = False
        self.done = threading.Event()
        self.size = 0
        self._work = work
        self._take = take
        self._left = 0
        self._lock = threading.Lock()

    def enlarge(self, by):
        with self._lock:
            self.size += by
            self._left += by
            if not self._left:
                self.done.set()
        for _ in range(by):
            threading.Thread(target=self._labour, name="transfer", daemon=True).start()

    def _labour(self):
        try:
            while not self.ended:
                item = self._take()
                if item is None:
                    break
                self._work(item)
        except Exception as error:
            self.failure = self.failure or error
            self.ended = True
            self.done.set()
        with self._lock:
            self._left -= 1
            if not self._left:
                self.done.set()
