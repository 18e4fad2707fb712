"""A few threads over many items, for work that mostly waits for the network."""

import threading

_LOOK_SECONDS = 0.1


def in_parallel(work, items, threads, check):
    """`[work(item) for item in items]` by several threads.

    Raises the first exception of `work`, or what `check` raises; `check` is called all the while. Then no further item
    is begun, and items under way are not waited for: a stalled connection must not keep a job from being stopped.
    """
    items = list(items)
    numbers = _Numbers(len(items))
    results = [None] * len(items)

    def work_at(number):
        results[number] = work(items[number])

    until_empty(work_at, numbers.take, min(threads, len(items)), check)
    return results


def until_empty(work, take, threads, check):
    """`work(take())` by several threads until `take`, which they call at the same time, gives None.

    Raises as `in_parallel` does.
    """
    crew = _Crew(work, take, threads)
    members = [threading.Thread(target=crew.labour, name="transfer", daemon=True) for _ in range(threads)]
    for member in members:
        member.start()
    try:
        while not crew.done.wait(_LOOK_SECONDS):
            check()
    finally:
        crew.ended = True
    if crew.failure is not None:
        raise crew.failure


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
    def __init__(self, work, take, threads):
        self.failure = None
        self.ended = False
        self.done = threading.Event()
        self._work = work
        self._take = take
        self._left = threads
        self._lock = threading.Lock()
        if not threads:
            self.done.set()

    def labour(self):
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
