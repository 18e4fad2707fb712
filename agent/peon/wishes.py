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
        self.reason = ""

    def hear(self, word):
        """`stop` or `kill` from the server."""
        self.raise_to(_BY_WORD.get(word, NONE), "stopped by a user" if word == "stop" else "killed by a user")

    def lose(self):
        """The attempt is another's, or the execution is gone."""
        self.raise_to(LOST, "another attempt has taken over")

    def raise_to(self, level, reason):
        with self._lock:
            if level > self.level:
                self.level, self.reason = level, reason

    def check(self):
        """While the job is being prepared. Raises JobInterrupted or JobLost."""
        self.check_lost()
        if self.level:
            raise JobInterrupted(self.reason)

    def check_lost(self):
        if self.level == LOST:
            raise JobLost(self.reason)
