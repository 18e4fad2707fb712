"""Resource use of a running command as events."""

import os
import time

from peon.protocol import events

INTERVAL_SECONDS = 5


class StatsReporter:
    """`report` as often as you like: it measures at most every few seconds."""

    def __init__(self, running, spool, clock=time.monotonic):
        self._running = running
        self._spool = spool
        self._clock = clock
        self._next_at = 0.0
        self._last = None

    def report(self):
        now = self._clock()
        if now < self._next_at:
            return
        self._next_at = now + INTERVAL_SECONDS
        usage = self._running.usage()
        if usage is None:
            return
        values = self._values(usage, now)
        self._last = (now, usage["cpu_seconds"])
        if values is not None:
            self._spool.add_fact({"k": events.STATS, "values": values})

    def _values(self, usage, now):
        """`cpu_usage` is in cores, averaged since the last measurement: 2.0 is two cores busy all the time."""
        if self._last is None:
            # A rate needs two looks; the second comes soon, so that short jobs have figures too.
            self._next_at = now + 1
            return None
        then, cpu_then = self._last
        cores = os.cpu_count() or 1
        busy = max(0.0, usage["cpu_seconds"] - cpu_then) / max(now - then, 0.001)
        values = {
            "num_cpus": cores,
            "cpu_usage": round(busy, 4),
            "memory_usage_kb": usage["memory_kb"],
            "memory_total_kb": usage.get("memory_limit_kb") or total_memory_kb(),
        }
        if "processes" in usage:
            values["processes"] = usage["processes"]
        return values


def total_memory_kb():
    return os.sysconf("SC_PHYS_PAGES") * (os.sysconf("SC_PAGE_SIZE") // 1024)
