"""How often something that failed on its way is tried again, and after which pause."""

import time

from peon.http_client import HttpError

MOST_WAIT_SECONDS = 60
"""What a server may ask for with `Retry-After`; beyond it we try all the same."""
LOOK_SECONDS = 0.2


class Patience:
    """A pause before each further try, until there was no progress for `len(pauses)` tries. `check` raises to give up."""

    def __init__(self, pauses, check):
        self._pauses = pauses
        self._check = check
        self._used = 0

    def wait(self, error):
        """Sleep before the next try. Raises `error` when a further try is of no use."""
        self._check()
        if self._used >= len(self._pauses) or (isinstance(error, HttpError) and not error.may_heal):
            raise error
        pause = self._pauses[self._used]
        self._used += 1
        asked = getattr(error, "retry_after_seconds", None) or 0
        self._sleep(max(pause, min(asked, MOST_WAIT_SECONDS)))

    def progressed(self):
        self._used = 0

    def _sleep(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_SECONDS))
            self._check()
