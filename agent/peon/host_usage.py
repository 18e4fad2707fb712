"""How busy the whole host is, from /proc."""

import os


class HostUsage:
    def __init__(self):
        self._last = None

    def look(self):
        """`cpu` is the share of all cores since the last look, 0 to 1, absent at the first; memory in kilobytes."""
        used = {"cpus": os.cpu_count() or 1}
        cpu = self._cpu()
        if cpu is not None:
            used["cpu"] = cpu
        used.update(_memory())
        return used

    def _cpu(self):
        try:
            with open("/proc/stat") as stat:
                ticks = [int(number) for number in stat.readline().split()[1:9]]
        except (OSError, ValueError):
            return None
        total, idle = sum(ticks), ticks[3] + ticks[4]
        last, self._last = self._last, (total, idle)
        if last is None or total <= last[0]:
            return None
        return round(1 - (idle - last[1]) / (total - last[0]), 3)


def _memory():
    found = {}
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                if name in ("MemTotal", "MemAvailable"):
                    found[name] = int(rest.split()[0])
    except (OSError, ValueError, IndexError):
        return {}
    if len(found) < 2:
        return {}
    return {"memory_total_kb": found["MemTotal"], "memory_used_kb": found["MemTotal"] - found["MemAvailable"]}
