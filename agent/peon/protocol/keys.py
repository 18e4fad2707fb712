"""Names of the Redis keys and channels that agent and server share."""


def job_member(execution_id, epoch):
    """One attempt at one execution, as it stands in queues and leases: `<execution id>:<epoch>`."""
    return "{}:{}".format(execution_id, epoch)


def parse_job_member(member):
    """The (execution id, epoch) of a `job_member` given as text."""
    execution_id, _, epoch = member.rpartition(":")
    return execution_id, int(epoch)


def queue(name):
    """Sorted set of waiting job members; the lowest score is claimed first."""
    return "vh:queue:" + name


def queue_tokens(name):
    """Hash: job member -> its one-job token."""
    return "vh:queue:" + name + ":tokens"


def queue_wake(name):
    """List of wake-up tokens on which idle agents block."""
    return "vh:queue:" + name + ":wake"


def dispatched(name):
    """The queue of that name whose jobs a dispatcher hands to a cluster: agents that serve `name` itself do not see them."""
    return name + DISPATCHED_SUFFIX


def dispatcher(name):
    """String: which dispatcher has the queue, while it lives."""
    return "vh:queue:" + name + ":dispatcher"


DISPATCHED_SUFFIX = ":dispatch"  # a colon is in no name of a queue
LEASES = "vh:leases"  # sorted set: job member -> the Unix milliseconds at which its lease ends
LEASE_HOLDERS = "vh:leases:holders"  # hash: job member -> worker id
WORKERS = "vh:workers"  # hash: worker id -> JSON of what the worker says of itself, with "seen_at"
WISHES = "vh:workers:wishes"  # hash: worker id or `machine_field` -> CORDON, RESTART, DRAIN or STOP
CORDON = "cordon"  # take no job, and stay
RESTART = "restart"  # begin anew between two jobs
DRAIN = "drain"  # end when the running job has
STOP = "stop"  # end now, the running job with it
INGEST_DIRTY = "vh:ingest:dirty"  # list of execution ids whose stream has news for ingest
INGEST_DIRTY_SET = "vh:ingest:dirty:set"  # the ids in that list, so that each stands there once


def machine_field(machine_id):
    """The field of `WISHES` that counts for every worker on a machine."""
    return "machine:" + str(machine_id)


def control(execution_id):
    """String: what the server wants of the running job: `stop` or `kill`; absent when nothing."""
    return "vh:control:" + execution_id


def events(execution_id):
    """Stream of event batches of one execution."""
    return "vh:events:" + execution_id


def events_head(execution_id):
    """Hash beside the stream: epoch, next_seq, next_line (of the next append), acked_seq (durably stored)."""
    return "vh:events:" + execution_id + ":head"


def notice_channel(topic):
    """Publish/subscribe channel of a topic such as `execution:<id>`."""
    return "vh:notice:" + topic
