"""Small "something changed" messages between processes, over Redis publish/subscribe.

A notice says *that* a thing changed, never the truth itself: whoever hears it reads the database or the stream.
A lost notice therefore costs time, not data; every listener also looks by itself every few seconds.

Topics: `execution:<id>`, `project:<id>`, `scheduler`, and `access:<user id>`, whose rights may have changed.
"""

import json
import logging
from functools import partial
from typing import Any

import redis
from django.db import transaction

from common.redis import client
from peon.protocol import keys

logger = logging.getLogger(__name__)


def publish(topic: str, kind: str, **facts: Any) -> None:
    """Tell every listener of `topic` now. Redis being away is logged, not raised: a notice is only a hint."""
    try:
        client().publish(keys.notice_channel(topic), json.dumps({"kind": kind, **facts}))
    except redis.RedisError:
        logger.warning("notice not sent", extra={"topic": topic, "kind": kind})


def publish_on_commit(topic: str, kind: str, **facts: Any) -> None:
    """Tell every listener of `topic` once the current transaction has committed."""
    transaction.on_commit(partial(publish, topic, kind, **facts))
