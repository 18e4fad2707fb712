"""Small "something changed" messages between processes, over Redis publish/subscribe.

A notice says *that* a thing changed, never the truth itself: whoever hears it reads the database or the stream.
A lost notice therefore costs time, not data; every listener also looks by itself every few seconds.

Topics: `execution:<id>`, `project:<id>`, `scheduler`, and `access:<user id>`, whose rights may have changed.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis
from django.db import transaction

from common.redis import client
from peon.protocol import keys

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    topic: str
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def publish(topic: str, kind: str, **facts: Any) -> None:
    """Tell every listener of `topic` now. Redis being away is logged, not raised: a notice is only a hint."""
    publish_all([Notice(topic, kind, facts)])


def publish_all(notices: Sequence[Notice]) -> None:
    """`publish` for many in one go."""
    pipe = client().pipeline(transaction=False)
    for notice in notices:
        pipe.publish(keys.notice_channel(notice.topic), json.dumps({"kind": notice.kind, **notice.facts}))
    try:
        pipe.execute()
    except redis.RedisError:
        logger.warning("notices not sent", extra={"topics": [notice.topic for notice in notices[:3]]})


def publish_on_commit(topic: str, kind: str, **facts: Any) -> None:
    """Tell every listener of `topic` once the current transaction has committed."""
    transaction.on_commit(partial(publish, topic, kind, **facts))
