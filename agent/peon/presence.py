"""Whether the server sees a worker: what the healthcheck of a container or a supervisor asks with `peon status`."""

import json
import time

from peon.protocol import keys

SILENT_AFTER_SECONDS = 60


def is_seen(redis, identity, queues):
    """It said hello lately, as a waiting worker does, or holds the lease of a job, as a busy one does."""
    return any(_is_seen_in(redis, identity, queue) for queue in queues)


def _is_seen_in(redis, identity, queue):
    said = redis.hget(keys.queue_workers(queue), identity)
    if said and time.time() - json.loads(said.decode())["seen_at"] < SILENT_AFTER_SECONDS:
        return True
    holders = redis.hgetall(keys.queue_holders(queue))
    held = [member for member, holder in holders.items() if holder.decode() == identity]
    now_milliseconds = time.time() * 1000
    return any((redis.zscore(keys.queue_leases(queue), member) or 0) > now_milliseconds for member in held)
