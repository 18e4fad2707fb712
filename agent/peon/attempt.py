"""One attempt at one execution, as it came out of the queue."""

from peon.protocol import keys


class Attempt:
    def __init__(self, member, token):
        self.member = member
        self.token = token
        self.execution_id, self.epoch = keys.parse_job_member(member)

    @property
    def folder_name(self):
        return "{}.{}".format(self.execution_id, self.epoch)
