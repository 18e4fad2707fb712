"""Why a job ends before its command does."""


class JobFailed(Exception):
    """The job cannot go on for a reason that its user can act on: it ends as `error` with this message."""


class JobInterrupted(Exception):
    """Somebody or some limit wants the job to end while it is being prepared."""


class JobLost(Exception):
    """Another attempt has taken over, or the execution is gone: forget the job and say nothing more."""
