"""Hears calls on a topic, and outlives Redis."""

import logging
import time
from typing import Any

import redis

from common.redis import blocking_client
from peon.protocol import keys

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5


class Wakes:
    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._subscription: Any = None
        self._is_away = False

    def wait(self, timeout_seconds: float) -> bool:
        """True as soon as somebody called since the last wait; False when the time is over or Redis is away."""
        try:
            return self._listen(timeout_seconds)
        except redis.RedisError:
            self._note_absence()
            self.close()
            time.sleep(min(_PAUSE_SECONDS, timeout_seconds))
            return False

    def close(self) -> None:
        """Forget the subscription; the next wait makes a new one."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _listen(self, timeout_seconds: float) -> bool:
        if self._subscription is None:
            self._subscribe()
            return True  # what was said before this cannot be heard any more: look
        heard = self._subscription.get_message(timeout=timeout_seconds)
        while self._subscription.get_message(timeout=0):
            pass  # several calls are answered by one look
        return heard is not None

    def _subscribe(self) -> None:
        subscription: Any = blocking_client().pubsub()  # type: ignore[no-untyped-call]
        subscription.subscribe(keys.notice_channel(self._topic))
        confirmation = subscription.get_message(timeout=5)
        if confirmation is None:
            subscription.close()
            raise redis.ConnectionError("Redis did not confirm the subscription")
        self._subscription = subscription
        if self._is_away:
            logger.warning("Redis is back; calls are heard again", extra={"topic": self._topic})
            self._is_away = False

    def _note_absence(self) -> None:
        if not self._is_away:
            logger.warning("Redis is away; no call is heard until it is back", extra={"topic": self._topic})
            self._is_away = True
