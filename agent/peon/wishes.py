"""What others want of a running job; the strongest wish counts."""

import threading

from peon.errors import JobInterrupted, JobLost

NONE, STOP, KILL, LOST = range(4)
_BY_WORD = {"stop": STOP, "kill": KILL}


class Wishes:
    def __init__(self):
        # Signal handlers wish too, also while another one is at it in the same thread.
        self._lock = threading.RLock()
        self.level = NONE
        self._reason = ""
        self._why = None
        self.is_eviction = False
        self.broke_limit = False  # of the machine that is taken away
        self.most_grace_seconds = None  # when less than usual is left

    def hear(self, word):
        """`stop` or `kill` from the server."""
        self.raise_to(_BY_WORD.get(word, NONE), "stopped by a user" if word == "stop" else "killed by a user")

    def lose(self):
        """The attempt is another's, or the execution is gone."""
        self.raise_to(LOST, "another attempt has taken over")

    @property
    def reason(self):
        """In words. May take some seconds at an eviction, whose reason has to be asked for."""
        with self._lock:
            if self._why is not None:
                (self._reason, self.broke_limit), self._why = self._why(), None
            return self._reason

    def evict(self, why, most_grace_seconds):
        """The machine is taken away; `why()` gives the reason, and whether the job broke a limit of the machine.

        A stop that somebody asked for before keeps its reason, but must hurry too.
        """
        with self._lock:
            self.most_grace_seconds = most_grace_seconds
            if self.level == NONE:
                self.is_eviction = True
                self.level, self._why = STOP, why

    def raise_to(self, level, reason):
        with self._lock:
            if level > self.level:
                self.level, self._reason, self._why = level, reason, None
                self.is_eviction = False

    def check(self):
        """While the job is being prepared. Raises JobInterrupted or JobLost."""
        self.check_lost()
        if self.level:
            raise JobInterrupted(self.reason)

    def check_lost(self):
        if self.level == LOST:
            raise JobLost(self.reason)
