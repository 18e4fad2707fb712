"""What a dispatcher needs of a cluster. One implementation per kind of scheduler.

    kind                                  a word, such as "slurm": `peon dispatch <kind>`
    describe() -> dict                    facts about the cluster for the platform. Raises Unavailable
    submit(placement) -> handle           make a job of the cluster that runs `peon run --once <member>`; its handle, a short text.
                                          Raises Refused or Unavailable
    jobs() -> [ClusterJob]                every job of ours that the cluster remembers, in one call, whoever submitted it: also
                                          those of a dispatcher that was killed. Raises Unavailable
    ended(member) -> ClusterJob or None   a job that `jobs` no longer lists, where the cluster keeps a history
    cancel(handles)                       end these jobs, whatever their state; what has ended already is fine. Raises Unavailable
    words_of_waiting(job) -> text         why a waiting job waits, for people
    words_of_end(job) -> text             why an ended job ended, for people
    broke_limit(job) -> bool              whether it was ended for using more than it may: time, memory
    forget(job)                           a job that has ended is dealt with: remove what was kept of it, such as its output

A job of the cluster carries its member and its dispatcher's `origin`, so that `jobs` finds it by itself.
"""

WAITING, RUNNING, ENDED = "waiting", "running", "ended"


class Unavailable(Exception):
    """The cluster does not answer, or will not take a job now; it may later. The message is for the user who waits."""


class Refused(Exception):
    """The cluster will never take this job. The message is the cluster's, for the user."""


class Placement:
    """What the platform says of a job before it is claimed. `resources`: {"cpus", "memory_mb", "devices"}, each may be None."""

    def __init__(self, member, queue, details):
        self.member = member
        self.queue = queue  # as the environment calls it
        self.image = details.get("image") or ""
        self.configuration = details.get("configuration") or {}
        self.resources = details.get("resources") or {}
        self.time_limit_seconds = details.get("time_limit_seconds")


class ClusterJob:
    """A job of the cluster: `phase` is WAITING, RUNNING or ENDED; `state` and `reason` are the cluster's own words.

    `may_heal` is whether, of an ended job, a further try makes sense.
    """

    def __init__(self, handle, member, phase, state="", reason="", node="", may_heal=True):
        self.handle = handle
        self.member = member
        self.phase = phase
        self.state = state
        self.reason = reason
        self.node = node
        self.may_heal = may_heal

    @property
    def is_alive(self):
        return self.phase != ENDED

    @property
    def has_completed(self):
        """It ended by itself, in good order."""
        return self.phase == ENDED and self.state == "COMPLETED"
