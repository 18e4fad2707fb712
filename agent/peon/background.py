"""Work in a thread of its own."""

import threading


class Background:
    """`run` in a daemon thread. Not itself a Thread: the private names of that class change from version to version."""

    def __init__(self, name):
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def run(self):
        raise NotImplementedError

    def start(self):
        self._thread.start()

    def join(self, seconds=None):
        """Wait for its end; at once when it was never begun, or is the caller itself."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)
