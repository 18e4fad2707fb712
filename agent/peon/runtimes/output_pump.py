"""Reads the pipes of a job's command and hands what arrives to its log."""

import os
import selectors
import threading
import time

from peon.background import Background

READ_BYTES = 65536
_FEW_BYTES = 16384
_GATHER_SECONDS = 0.004


class OutputPump(Background):
    """Reads `{descriptor: stream}` until both ends close."""

    def __init__(self, streams, sink):
        super().__init__("output")
        self._sink = sink
        self._selector = selectors.DefaultSelector()
        for descriptor, stream in streams.items():
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, stream)
        self._ended = threading.Event()

    def run(self):
        last = 0.0
        try:
            while self._selector.get_map():
                ready = self._selector.select(1)
                if not ready:
                    if self._ended.is_set():
                        break
                    self._sink.idle()
                    continue
                size = sum(self._read(key) for key, _ in ready)
                now = time.monotonic()
                if size < _FEW_BYTES and now - last < 2 * _GATHER_SECONDS:
                    # Many small writes in a row: let some come together, each turn costs more than the line in it.
                    time.sleep(_GATHER_SECONDS)
                last = now
        finally:
            self.close()

    def finish(self, seconds=600):
        """No process writes any more: wait until all that was written is handed on."""
        self._ended.set()
        self.join(seconds)

    def close(self):
        for key in list(self._selector.get_map().values()):
            self._forget(key)
        self._selector.close()
        self._sink.close()

    def _read(self, key):
        try:
            data = os.read(key.fd, READ_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._sink.write(key.data, data)
        else:
            self._forget(key)
        return len(data)

    def _forget(self, key):
        self._selector.unregister(key.fd)
        os.close(key.fd)
