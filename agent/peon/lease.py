"""Keeps a job's lease while its worker lives, and hears what the server wants of it."""

import threading

from peon import redis_client
from peon.background import Background
from peon.protocol import keys, scripts

_CLOSING_INTERVALS = (0.02, 0.05, 0.1, 0.2, 0.5, 1)


class Lease(Background):
    """Heartbeats in a thread of its own, so that neither a slow disk nor a slow store can lose the job.

    `on_wish` is told `stop` or `kill`, `on_acknowledged` a sequence number, `on_lost` that the lease is another's.
    """

    def __init__(self, redis, attempt, worker_id, on_wish, on_acknowledged, on_lost):
        super().__init__("lease")
        self._attempt = attempt
        self._worker_id = worker_id
        self._on_wish = on_wish
        self._on_acknowledged = on_acknowledged
        self._on_lost = on_lost
        self._heartbeat = redis.register_script(scripts.HEARTBEAT)
        self._release = redis.register_script(scripts.RELEASE)
        self._ended = threading.Event()
        self._soon = threading.Event()
        self._closing = None
        self.seconds = 15.0
        self.interval = 2.0

    def configure(self, terms):
        """What the server says of leases: {"seconds", "heartbeat_seconds"}."""
        self.seconds = float(terms["seconds"])
        self.interval = float(terms["heartbeat_seconds"])
        self._soon.set()

    def hurry(self):
        """The job has ended and waits for its last acknowledgement: ask more often."""
        self._closing = 0
        self._soon.set()

    def run(self):
        while not self._ended.is_set():
            try:
                self._beat()
            except redis_client.errors():
                # Redis is away; whoever reads leases there cannot see that this one is not renewed either.
                pass
            self._soon.wait(self._pause())
            self._soon.clear()

    def release(self):
        """The job is over, or not ours."""
        self._ended.set()
        self._soon.set()
        self.join(15)
        try:
            self._release(keys=[self._attempt.leases, self._attempt.holders], args=[self._attempt.member])
        except redis_client.errors():
            pass  # it expires by itself

    def _pause(self):
        if self._closing is None or self._closing >= len(_CLOSING_INTERVALS):
            return self.interval
        self._closing += 1
        return _CLOSING_INTERVALS[self._closing - 1]

    def _beat(self):
        attempt = self._attempt
        reply = self._heartbeat(
            keys=[
                attempt.leases, attempt.holders, keys.control(attempt.execution_id),
                keys.events_head(attempt.execution_id),
            ],
            args=[attempt.member, self._worker_id, int(self.seconds * 1000), attempt.epoch],
        )  # fmt: skip
        if reply[0] == b"fenced":
            self._ended.set()
            self._on_lost()
            return
        if reply[1]:
            self._on_wish(reply[1].decode())
        self._on_acknowledged(int(reply[2]))
