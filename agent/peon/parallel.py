"""A few threads over many items, for work that mostly waits for the network."""

import threading

_LOOK_SECONDS = 0.1


def in_parallel(work, items, threads, check):
    """`[work(item) for item in items]` by several threads.

    Raises the first exception of `work`, or what `check` raises; `check` is called all the while. Then no further item
    is begun, and items under way are not waited for: a stalled connection must not keep a job from being stopped.
    """
    crew = _Crew(work, list(items))
    members = [
        threading.Thread(target=crew.labour, name="transfer", daemon=True)
        for _ in range(min(threads, len(crew.items)))
    ]
    for member in members:
        member.start()
    try:
        while not crew.done.wait(_LOOK_SECONDS):
            check()
    finally:
        crew.ended = True
    if crew.failure is not None:
        raise crew.failure
    return crew.results


class _Crew:
    def __init__(self, work, items):
        self.items = items
        self.results = [None] * len(items)
        self.failure = None
        self.ended = False
        self.done = threading.Event()
        self._work = work
        self._next = 0
        self._left = len(items)
        self._lock = threading.Lock()
        if not items:
            self.done.set()

    def labour(self):
        while not self.ended:
            with self._lock:
                number = self._next
                self._next += 1
            if number >= len(self.items):
                return
            try:
                self.results[number] = self._work(self.items[number])
            except Exception as error:
                self.failure = self.failure or error
                self.ended = True
                self.done.set()
            with self._lock:
                self._left -= 1
                if not self._left:
                    self.done.set()
