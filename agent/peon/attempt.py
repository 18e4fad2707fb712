"""One attempt at one execution, as it came out of the queue."""

from peon.protocol import keys


class Attempt:
    def __init__(self, member, token, queue):
        """`queue` is None for one that an agent of before has noted without."""
        self.member = member
        self.token = token
        self.queue = queue
        self.leases = keys.queue_leases(queue) if queue else keys.LEASES
        self.holders = keys.queue_holders(queue) if queue else keys.LEASE_HOLDERS
        self.execution_id, self.epoch = keys.parse_job_member(member)

    @property
    def folder_name(self):
        return "{}.{}".format(self.execution_id, self.epoch)
