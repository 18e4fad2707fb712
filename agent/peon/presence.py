"""What a worker says of itself while it lives, and what it hears is wished of it; and whether the server sees a worker."""

import json
import threading
import time

from peon import redis_client
from peon.background import Background
from peon.host_usage import HostUsage
from peon.protocol import keys, scripts

SILENT_AFTER_SECONDS = 60
INTERVAL_SECONDS = 5
IDLE, BUSY, CORDONED, DRAINING = "idle", "busy", "cordoned", "draining"


class Presence(Background):
    """Says hello in a thread of its own, also during a job.

    `describe` gives what is said of the worker; `on_stop` is called when it is to end at once.
    """

    def __init__(self, redis, queues, describe, machine_id, on_stop):
        super().__init__("presence")
        self._queues = queues
        self._say = redis.register_script(scripts.SAY)
        self._describe = describe
        self._machine_id = machine_id
        self._on_stop = on_stop
        self._usage = HostUsage()
        self._ended = threading.Event()
        self._soon = threading.Event()
        self._lock = threading.Lock()
        self._is_introduced = False
        self._state, self._job, self._idle_since = IDLE, "", time.monotonic()

    def introduce(self):
        """Before the first job, so that nobody takes a worker with a job for one that never came up.

        Raises what `redis_client.errors` names.
        """
        if not self._is_introduced:
            self.say()
            self._is_introduced = True
            self.start()

    def become(self, state, job=""):
        """Said at once, unless nothing has changed."""
        with self._lock:
            if (state, job) == (self._state, self._job):
                return
            if self._state == BUSY:
                self._idle_since = time.monotonic()
            self._state, self._job = state, job
        self._soon.set()

    def say_soon(self):
        """There is news in what is described."""
        self._soon.set()

    def run(self):
        while not self._ended.is_set():
            self._soon.wait(INTERVAL_SECONDS)
            self._soon.clear()
            if self._ended.is_set():
                return
            try:
                self.say()
            except redis_client.errors():
                pass  # it is away; the next hello may be heard

    def say(self):
        said = self._said()
        args = [said["identity"], json.dumps(said), self._machine_id]
        wished = [
            self._say(keys=[keys.queue_workers(queue), keys.queue_wishes(queue)], args=args).decode()
            for queue in self._queues
        ]
        if keys.STOP in wished:
            self._on_stop()

    def end(self):
        """Nothing is said after this."""
        self._ended.set()
        self._soon.set()
        self.join(10)

    def _said(self):
        said = dict(self._describe(), usage=self._usage.look())
        with self._lock:
            said["state"] = self._state
            if self._state == BUSY:
                said["job"] = self._job
            else:
                said["idle_seconds"] = round(time.monotonic() - self._idle_since, 1)
        return said


def is_seen(redis, identity, queues):
    """It said hello lately, or holds the lease of a job, as a busy one of an earlier version does."""
    seconds, microseconds = redis.time()
    now = seconds + microseconds / 1e6
    return any(_is_seen_in(redis, identity, queue, now) for queue in queues)


def _is_seen_in(redis, identity, queue, now):
    said = redis.hget(keys.queue_workers(queue), identity)
    if said and now - json.loads(said.decode())["seen_at"] < SILENT_AFTER_SECONDS:
        return True
    holders = redis.hgetall(keys.queue_holders(queue))
    held = [member for member, holder in holders.items() if holder.decode() == identity]
    return any((redis.zscore(keys.queue_leases(queue), member) or 0) > now * 1000 for member in held)
