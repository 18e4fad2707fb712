"""Sends a job's events into its stream until the server has stored all of them."""

import logging
import threading

from peon import redis_client
from peon.background import Background
from peon.errors import JobLost
from peon.protocol import events, keys, scripts

logger = logging.getLogger(__name__)
_FULL_WAIT_SECONDS = 0.02
_LOOK_SECONDS = 1
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1, 2)


class Sender(Background):
    """`lost` is set when the server or a newer attempt wants no more of this one."""

    def __init__(self, redis, spool, api, attempt, on_lost):
        super().__init__("sender")
        self._redis = redis
        self._spool = spool
        self._api = api
        self._attempt = attempt
        self._on_lost = on_lost
        self._stopped = threading.Event()
        self._append = redis.register_script(scripts.APPEND)
        self._open = redis.register_script(scripts.OPEN_EVENTS)
        execution_id = attempt.execution_id
        self._head = keys.events_head(execution_id)
        self._keys = [keys.events(execution_id), self._head, keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET]
        self._channel = keys.notice_channel("execution:" + execution_id)

    def stop(self):
        self._stopped.set()
        self._spool.wake()

    def run(self):
        failures = 0
        while not self._stopped.is_set():
            try:
                batch = self._spool.next_batch(_LOOK_SECONDS)
                if batch is not None:
                    self._handle(self._send(batch))
                elif not self._spool.is_empty():
                    self._look_after_sent()
                failures = 0
            except JobLost:
                self._on_lost()
                return
            except Exception as error:
                if not isinstance(error, redis_client.errors() + (ConnectionError,)):
                    logger.exception("sending events of %s failed", self._attempt.member)
                # Nothing is lost: the spool keeps it, and a batch that did arrive is recognised by its number.
                self._stopped.wait(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1

    def _send(self, batch):
        attempt = self._attempt
        return self._append(
            keys=self._keys,
            args=[
                attempt.epoch, batch.first_seq, batch.events, batch.first_line, batch.lines, batch.body,
                events.MAX_STREAM_ENTRIES, attempt.execution_id, self._channel,
            ],
        )  # fmt: skip

    def _handle(self, reply):
        answer = reply[0]
        if answer == b"ok":
            self._spool.resume_at(int(reply[1]))
            self._spool.acknowledge(int(reply[2]))
        elif answer == b"full":
            self._spool.acknowledge(int(reply[1]))
            self._stopped.wait(_FULL_WAIT_SECONDS)
        elif answer == b"seq":
            if not self._spool.resume_at(int(reply[1])):
                self._start_over()
        elif answer == b"unknown":
            self._ask_where()
        else:
            raise JobLost()

    def _look_after_sent(self):
        """Nothing is left to send, yet not all is stored: has Redis still got what was sent?"""
        stands_at = self._redis.hget(self._head, "next_seq")
        if stands_at is None:
            self._ask_where()
        elif int(stands_at) < self._spool.next_seq and not self._spool.resume_at(int(stands_at)):
            self._start_over()

    def _start_over(self):
        """Redis stands at a number that cannot be served, such as after it came back with an old state."""
        # Not DEL: an agent's user of Redis may not delete, or it could delete its queue.
        self._redis.hdel(self._head, *self._redis.hgetall(self._head))
        self._ask_where()

    def _ask_where(self):
        """Redis lost the stream: go on from what the server has stored."""
        cursor = self._api.cursor()
        if cursor["final"]:
            raise JobLost()
        if not self._open(
            keys=[self._head], args=[self._attempt.epoch, cursor["next_seq"], cursor["next_line"]]
        ):
            raise JobLost()
        self._spool.acknowledge(cursor["next_seq"])
        if not self._spool.resume_at(cursor["next_seq"]):
            logger.error(
                "the server wants event %s of %s, which is not kept", cursor["next_seq"], self._attempt.member
            )
            raise JobLost()
