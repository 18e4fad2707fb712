"""Redis connections. Nothing else in the server constructs a client.

redis-py 8 sets a socket time-out of 5 s by default. It turns a blocking read that waits longer into an error and
drops idle subscriptions, so that blocking reads and subscriptions have a factory of their own without one.
"""

from functools import lru_cache

import redis
import redis.asyncio
from django.conf import settings

_CONNECT_TIMEOUT_SECONDS = 5
_COMMAND_TIMEOUT_SECONDS = 10


@lru_cache
def client() -> "redis.Redis":
    """The process's client for commands that answer at once. Thread-safe; replies are bytes."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_COMMAND_TIMEOUT_SECONDS,
        socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        health_check_interval=30,
    )


def blocking_client() -> "redis.Redis":
    """A client of its own for blocking reads (BLPOP, XREAD BLOCK, subscriptions): no socket time-out."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS
    )


def async_client() -> "redis.asyncio.Redis":
    """A client for the running event loop, for commands that answer at once. The caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_COMMAND_TIMEOUT_SECONDS,
        socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS,
    )


def async_blocking_client() -> "redis.asyncio.Redis":
    """A client for the running event loop, for subscriptions: no socket time-out. The caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS
    )
