"""CPU and memory of a process and everything below it, from /proc."""

import os

from peon.runtimes.launcher import parents

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def usage_of_tree(root, skip=0):
    """{"cpu_seconds", "memory_kb", "processes"} summed over `root` and its descendants, without the first `skip`."""
    cpu_ticks = pages = 0
    tree = _tree(root)[skip:]
    for pid in tree:
        try:
            with open("/proc/{}/stat".format(pid), "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        # User and system time, its own and that of the children it has waited for; resident pages.
        cpu_ticks += sum(int(field) for field in fields[11:15])
        pages += int(fields[21])
    return {"cpu_seconds": cpu_ticks / float(_TICKS), "memory_kb": pages * _PAGE_KB, "processes": len(tree)}


def _tree(root):
    children = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop(0)
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found
