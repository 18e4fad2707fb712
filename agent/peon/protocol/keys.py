"""Names of the Redis keys and channels that agent and server share."""


def job_member(execution_id, epoch):
    """One attempt at one execution, as it stands in queues and leases: `<execution id>:<epoch>`."""
    return "{}:{}".format(execution_id, epoch)


def parse_job_member(member):
    """The (execution id, epoch) of a `job_member` given as text."""
    execution_id, _, epoch = member.rpartition(":")
    return execution_id, int(epoch)


# Whatever stands below `vh:queue:<name>` is for the agents of that queue, and for no others: each has a user of Redis's that
# may touch these keys only, and beside them what belongs to one execution whose id it has to know.


def queue(name):
    """Sorted set of waiting job members; the lowest score is claimed first."""
    return "vh:queue:" + name


def queue_tokens(name):
    """Hash: job member -> its one-job token."""
    return "vh:queue:" + name + ":tokens"


def queue_bell(name):
    """Sorted set on which idle agents block: a job member with its score in the queue, for each job that was added."""
    return "vh:queue:" + name + ":bell"


def queue_leases(name):
    """Sorted set: job member -> the Unix milliseconds at which its lease ends."""
    return "vh:queue:" + name + ":leases"


def queue_holders(name):
    """Hash: job member -> worker id."""
    return "vh:queue:" + name + ":holders"


def queue_workers(name):
    """Hash: worker id -> JSON of what the worker says of itself, with "seen_at"."""
    return "vh:queue:" + name + ":workers"


def queue_wishes(name):
    """Hash: worker id or `machine_field` -> CORDON, RESTART, DRAIN or STOP."""
    return "vh:queue:" + name + ":wishes"


# Agents up to 0.1.0 keep theirs in one place for all queues, and block on lists.
LEASES = "vh:leases"
LEASE_HOLDERS = "vh:leases:holders"
WORKERS = "vh:workers"


def queue_wake(name):
    """List of wake-up tokens."""
    return "vh:queue:" + name + ":wake"


def dispatched(name):
    """The queue of that name whose jobs a dispatcher hands to a cluster: agents that serve `name` itself do not see them."""
    return name + DISPATCHED_SUFFIX


def dispatcher(name):
    """Hash: which dispatcher has the queue (`holder`), and `until` when, in Unix milliseconds."""
    return "vh:queue:" + name + ":dispatcher"


DISPATCHED_SUFFIX = ":dispatch"  # a colon is in no name of a queue
CORDON = "cordon"  # take no job, and stay
RESTART = "restart"  # begin anew between two jobs
DRAIN = "drain"  # end when the running job has
STOP = "stop"  # end now, the running job with it
INGEST_DIRTY = "vh:ingest:dirty"  # list of execution ids whose stream has news for ingest
INGEST_DIRTY_SET = "vh:ingest:dirty:set"  # the ids in that list, so that each stands there once


def machine_field(machine_id):
    """The field of `queue_wishes` that counts for every worker on a machine."""
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
