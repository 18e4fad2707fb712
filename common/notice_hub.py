"""Hears notices for everybody in one event loop, over one connection.

A listener is called with the notice, or with `AGAIN` whenever something may have been missed: when its subscription begins and
after every reconnection. It is called on the loop, must return at once, and looks for itself what is true.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio

from common.redis import async_blocking_client
from peon.protocol import keys

logger = logging.getLogger(__name__)

Notice = dict[str, Any]
Listener = Callable[[Notice], None]

AGAIN: Notice = {"kind": "again"}
SILENCE_SECONDS = 15.0
"""After this long without a word the connection is asked for a sign of life; after another such time it is given up."""
PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0)
_OWN_CHANNEL = keys.notice_channel("hub")  # a subscription of its own keeps the connection in subscriber mode


class NoticeHub:
    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """Call `listener` for every notice of `topic`, from its first `AGAIN` on."""
        channel = keys.notice_channel(topic)
        is_new = channel not in self._listeners
        self._listeners.setdefault(channel, set()).add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="notice-hub")
        elif is_new:
            await self._say("subscribe", channel)
        else:
            listener(AGAIN)

    async def unsubscribe(self, topic: str, listener: Listener) -> None:
        """With the last listener the connection closes."""
        channel = keys.notice_channel(topic)
        listeners = self._listeners.get(channel, set())
        listeners.discard(listener)
        if listeners or channel not in self._listeners:
            return
        del self._listeners[channel]
        if self._listeners:
            await self._say("unsubscribe", channel)
        elif self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _say(self, command: str, channel: str) -> None:
        if self._pubsub is None:
            return  # every channel is subscribed to with the next connection
        try:
            await getattr(self._pubsub, command)(channel)
        except (redis.RedisError, OSError):
            logger.debug("the reading task finds out and connects again")

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                async for message in self._messages():
                    attempt = 0
                    self._deliver(message)
            except (redis.RedisError, OSError, TimeoutError):
                if attempt == 0:
                    logger.warning("notices are not heard: Redis is away")
            await asyncio.sleep(PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)])
            attempt += 1

    async def _messages(self) -> Any:
        client = async_blocking_client()
        pubsub: Any = client.pubsub()
        try:
            await pubsub.subscribe(_OWN_CHANNEL, *self._listeners)
            self._pubsub = pubsub
            is_silent = False
            while True:
                message = await pubsub.get_message(timeout=SILENCE_SECONDS)
                if message is not None:
                    is_silent = False
                    yield message
                elif is_silent:
                    raise TimeoutError
                else:
                    is_silent = True
                    await pubsub.ping()
        finally:
            self._pubsub = None
            await pubsub.aclose()
            await client.aclose()

    def _deliver(self, message: dict[str, Any]) -> None:
        listeners = self._listeners.get(message["channel"].decode() if message["channel"] else "", ())
        if message["type"] == "subscribe":
            notice = AGAIN
        elif message["type"] == "message":
            notice = _notice(message["data"])
        else:
            return
        for listener in list(listeners):
            listener(notice)


def _notice(data: bytes) -> Notice:
    try:
        found = json.loads(data)
    except ValueError:
        return AGAIN
    return found if isinstance(found, dict) and "kind" in found else AGAIN


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, NoticeHub]" = WeakKeyDictionary()


def hub() -> NoticeHub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = NoticeHub()
    return _hubs[loop]
