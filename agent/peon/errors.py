"""Why a job ends before its command does."""


class JobFailed(Exception):
    """The job cannot go on for a reason that its user can act on: it ends as `error` with this message."""


class JobInterrupted(Exception):
    """Somebody or some limit wants the job to end while it is being prepared."""


class JobLost(Exception):
    """Another attempt has taken over, or the execution is gone: forget the job and say nothing more."""


class EnrolmentRefused(Exception):
    """The platform does not let this machine in; the message is the platform's."""


class WorkerRefused(Exception):
    """The platform takes this agent for nobody, or for one too many: it ends, and the message says what to do."""

    def __init__(self, message, is_clone=False):
        super().__init__(message)
        self.is_clone = is_clone
