"""When the next launch may be tried after others failed, so that a provider that refuses is not stormed. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
_TOGETHER = timedelta(seconds=10)
"""Failures so close to each other are one, since several machines were asked for at once. Shorter than any pause."""


def next_try(failures: Iterable[datetime]) -> datetime:
    """`failures`, at least one, since a launch last succeeded. Twice as long after each, up to a quarter of an hour."""
    ordered = sorted(failures)
    times = bursts(ordered)
    pause = min(FIRST * int(2 ** min(times - 1, 10)), LONGEST)
    return ordered[-1] + pause


def bursts(ordered: Iterable[datetime]) -> int:
    number = 0
    last: datetime | None = None
    for moment in ordered:
        if last is None or moment - last > _TOGETHER:
            number += 1
        last = moment
    return number
