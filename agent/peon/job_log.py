"""Where a command's output becomes events: one per job, fed by its runtime."""

import threading
import time

from peon.lines import LineLimit, LineSplitter
from peon.protocol.events import STATUS, STDERR, STDOUT


class JobLog:
    """A runtime writes raw output, the agent says status lines; both go to the spool in order, without secrets."""

    def __init__(self, spool, masker, lines_per_second=0):
        self._spool = spool
        self._masker = masker
        self._splitters = {stream: LineSplitter(masker) for stream in (STDOUT, STDERR)}
        self._limit = LineLimit(lines_per_second)
        self._lock = threading.Lock()
        self.last_output_at = time.monotonic()

    def say(self, text):
        """A status line; several when the text has several."""
        for line in self._masker.mask_text(text).splitlines() or [""]:
            for block in LineSplitter().feed(line.encode("utf-8", "replace") + b"\n"):
                self._spool.add_lines(STATUS, block)

    def write(self, stream, data):
        """Raw bytes of `stream`, in the order they came."""
        with self._lock:
            self.last_output_at = time.monotonic()
            self._add(stream, self._splitters[stream].feed(data))

    def idle(self):
        """Nothing came for a second or so."""
        with self._lock:
            for stream, splitter in self._splitters.items():
                self._add(stream, splitter.idle())

    def close(self):
        """No more output will come."""
        with self._lock:
            for stream, splitter in self._splitters.items():
                self._add(stream, splitter.close())
            self._say_dropped(final=True)

    def _add(self, stream, blocks):
        for block in blocks:
            passing = self._limit.take(block)
            if passing is not None:
                self._spool.add_lines(stream, passing)
        self._say_dropped()

    def _say_dropped(self, final=False):
        notice = self._limit.notice(final)
        if notice:
            self.say(notice)
