"""How often machines were started, failed and were lost, for metrics. Redis may lose it: such counters may start anew."""

from collections import Counter
from typing import Any

import redis

from common.redis import client

KEY = "vh:autoscaler:counts"
LAUNCHED, FAILED = "launched", "failed"


def add(counts: Counter[tuple[str, str]]) -> None:
    """(slug of the environment, what) -> how many more."""
    if not counts:
        return
    pipe = client().pipeline(transaction=False)
    for (slug, what), number in counts.items():
        pipe.hincrby(KEY, f"{what}:{slug}", number)
    pipe.execute()


def read() -> list[tuple[str, str, int]]:
    """(slug, what, how many); nothing while Redis is away."""
    try:
        found: Any = client().hgetall(KEY)
    except redis.RedisError:
        return []
    rows = []
    for name, number in found.items():
        what, _, slug = name.decode().partition(":")
        rows.append((slug, what, int(number)))
    return sorted(rows)
