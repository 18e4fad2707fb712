"""Each enrolled worker has a user of its own in Redis, which may do what an agent of its queue does, and nothing else.

Redis keeps users in memory only, so that they are made again after each of its starts (`sync`). Passwords are not kept here:
Redis takes their digests. Where it lets us make no users, as some managed ones, workers share the platform's address.
"""

import logging
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from django.conf import settings

from common.redis import client
from environments.enrolment.models import WorkerCredential
from peon.protocol import keys

logger = logging.getLogger(__name__)

PREFIX = "peon-"
COMMANDS = (
    "auth", "hello", "ping", "select", "client|setname", "eval", "evalsha", "script|load", "time",
    "get", "hget", "hset", "hmget", "hdel", "hgetall", "zadd", "zrem", "zscore", "zrange", "zpopmin", "bzpopmin",
    "xadd", "xlen", "sadd", "rpush", "publish",
)  # fmt: skip
"""What the scripts of `peon.protocol` and the agent use. None reads a stream, a list or a set, finds keys or deletes one."""

SHARED = (keys.events("*"), keys.control("*"), keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET)
"""Of executions, whose ids an agent learns with the job, and where it says that there is news of one."""


def user_of(identity: str) -> str:
    return PREFIX + identity


def password_of(secret: str) -> str:
    """Not the secret itself: whoever overhears Redis does not speak for the worker elsewhere."""
    return sha256(f"redis:{secret}".encode()).hexdigest()


def digest_of_password(secret: str) -> str:
    return sha256(password_of(secret).encode()).hexdigest()


def url_for(identity: str, secret: str) -> str:
    """The address of Redis for one worker."""
    shared = settings.WORKER_REDIS_URL
    if not are_possible():
        return str(shared)
    parts = urlsplit(shared)
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(user_of(identity), safe='')}:{password_of(secret)}"
    return urlunsplit(parts._replace(netloc=f"{login}@{host}"))


def are_possible() -> bool:
    """Whether Redis lets us make users."""
    try:
        client().acl_users()
    except redis.ResponseError:
        return False
    return True


def allow(credentials: Iterable[WorkerCredential]) -> None:
    """Make their users, or make them again as they should be."""
    pipe = client().pipeline(transaction=False)
    for credential in credentials:
        queue = _literal(keys.queue(credential.environment.queue_name))
        pipe.acl_setuser(
            user_of(credential.worker.identity),
            reset=True,
            enabled=True,
            hashed_passwords=[f"+{credential.redis_digest}"],
            keys=[queue, f"{queue}:*", *SHARED],
            reset_channels=True,
            channels=[keys.notice_channel("execution:*")],
            commands=["-@all", *(f"+{name}" for name in COMMANDS)],
        )
    pipe.execute()


def allow_quietly(credentials: Iterable[WorkerCredential]) -> None:
    """After a commit: while Redis is away, or makes no users, there is nothing to do but wait for `sync`."""
    try:
        allow(credentials)
    except redis.RedisError:
        logger.warning("users of workers are made later: Redis is away or makes none")


def forbid(identities: Iterable[str]) -> None:
    """Their connections end at once."""
    names = [user_of(identity) for identity in identities]
    try:
        if names:
            client().acl_deluser(*names)
    except redis.RedisError:
        logger.warning("users of revoked workers are removed later: Redis is away or has none")


def sync(*, renew: bool) -> None:
    """Every worker has its user, and a revoked one has none. With `renew` all are made again.

    Users of nobody that we know stay: another installation may use the same Redis. Raises `redis.ConnectionError` while Redis
    is away.
    """
    try:
        found = {_text(name) for name in client().acl_users()}
    except redis.ResponseError:
        return
    rows = WorkerCredential.objects.select_related("worker", "environment")
    missing = [row for row in rows.filter(revoked_at__isnull=True) if renew or user_of(str(row)) not in found]
    if missing:
        allow(missing)
    revoked = WorkerCredential.objects.filter(revoked_at__isnull=False)
    identities = revoked.values_list("worker__identity", flat=True)
    forbid(identity for identity in identities if user_of(identity) in found)


def _literal(key: str) -> str:
    """A key as a pattern that means only it."""
    return "".join(f"\\{character}" if character in "*?[]^\\" else character for character in key)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
