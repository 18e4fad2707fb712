"""Places for output files, asked for in batches: the next batch comes while files of the last one still go."""

import collections
import threading

NAMES_PER_REQUEST = 200
_ASK_AT = 100  # places left; then one thread asks while others upload


class Grants:
    """`check` raises when nobody wants the files any more."""

    def __init__(self, api, files, check):
        self._api = api
        self._check = check
        self._files = collections.deque(files)
        self._ready = collections.deque()
        self._is_asking = False
        self._changed = threading.Condition()

    def take(self):
        """(file, grant), or None when there are no more. Called by many threads; raises what the platform's refusal does."""
        while True:
            with self._changed:
                while self._is_asking and not self._ready:
                    self._changed.wait()
                if self._is_asking or not self._files or len(self._ready) > _ASK_AT:
                    return self._ready.popleft() if self._ready else None
                batch = [self._files.popleft() for _ in range(min(NAMES_PER_REQUEST, len(self._files)))]
                self._is_asking = True
            try:
                granted = self._ask(batch)
            except BaseException:
                self._files.clear()
                self._add(())
                raise
            self._add(zip(batch, granted))

    def _ask(self, batch):
        self._check()
        return self._api.uploads([{"name": file.name, "size": file.size} for file in batch])

    def _add(self, pairs):
        with self._changed:
            self._ready.extend(pairs)
            self._is_asking = False
            self._changed.notify_all()
