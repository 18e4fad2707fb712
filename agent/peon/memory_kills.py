"""How often the kernel has killed something in this process's own control group for using too much memory.

A job that shares the group with its agent, as in a batch job of a cluster, is killed alone: the agent lives to say why.
"""

import os

_ROOT = "/sys/fs/cgroup"


def count(root=_ROOT, own="/proc/self/cgroup"):
    """None when there is no such group, or none that counts."""
    for path in _counters(root, own):
        try:
            with open(path) as file:
                fields = dict(line.split()[:2] for line in file if len(line.split()) >= 2)
            return int(fields["oom_kill"])
        except (OSError, KeyError, ValueError):
            pass
    return None


def _counters(root, own):
    """Files that may have the count: of the group, and of those around it, where a cluster sets the limit of the whole job."""
    for controllers, group in _groups(own):
        if controllers == "":
            yield os.path.join(root, group.lstrip("/"), "memory.events")
            yield os.path.join(root, "unified", group.lstrip("/"), "memory.events")
        elif "memory" in controllers.split(","):
            yield os.path.join(root, "memory", group.lstrip("/"), "memory.oom_control")


def _groups(own):
    try:
        with open(own) as file:
            for line in file:
                _, controllers, group = line.rstrip("\n").split(":", 2)
                yield controllers, group
    except (OSError, ValueError):
        return
