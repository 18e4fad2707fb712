"""How many threads a crew has, and how it ends."""

import threading
import time

import pytest

from peon.parallel import BusyCores, in_parallel, until_empty


class Crowd:
    """Counts who is inside at the same time."""

    def __init__(self, seconds):
        self.most = 0
        self._seconds = seconds
        self._inside = 0
        self._lock = threading.Lock()

    def visit(self, item):
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(self._seconds)
        with self._lock:
            self._inside -= 1
        return item


def test_whoever_waits_is_joined_by_others_up_to_the_most():
    crowd = Crowd(seconds=0.4)
    assert in_parallel(crowd.visit, list(range(60)), 14, lambda: None) == list(range(60))
    assert crowd.most == 14


def test_there_are_never_more_threads_than_items():
    crowd = Crowd(seconds=0.3)
    in_parallel(crowd.visit, [1, 2], 32, lambda: None)
    assert crowd.most == 2


def test_nothing_to_do():
    assert in_parallel(lambda item: item, [], 8, lambda: None) == []
    until_empty(lambda item: None, lambda: None, 8, lambda: None)


def test_the_first_failure_ends_it():
    begun = []

    def work(number):
        begun.append(number)
        time.sleep(0.05)
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        in_parallel(work, list(range(1000)), 8, lambda: None)
    assert len(begun) < 20


def test_what_check_raises_is_not_kept_waiting_by_work():
    def check():
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_parallel(lambda item: time.sleep(5), [1, 2], 2, check)
    assert time.monotonic() - began < 3


def test_busy_cores_are_those_of_this_process():
    busy = BusyCores()
    time.sleep(0.3)
    assert busy.since_last() < 0.2
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    assert busy.since_last() > 0.05  # as much of a core as a busy machine gave us
