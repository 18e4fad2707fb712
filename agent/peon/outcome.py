"""How a job ended, as the server and its user are told."""

from peon.sizes import duration_text

COMPLETE = "complete"
ERROR = "error"
STOPPED = "stopped"
CRASHED = "crashed"


class Outcome:
    def __init__(self, status, exit_code, reason=""):
        self.status = status
        self.exit_code = exit_code
        self.reason = reason

    def summary(self, seconds):
        """The last status line."""
        if self.status == COMPLETE:
            return "completed in {}".format(duration_text(seconds))
        words = {ERROR: "failed", STOPPED: "stopped", CRASHED: "crashed"}[self.status]
        reason = " ".join(self.reason.split())
        return "{} after {}{}".format(words, duration_text(seconds), ": " + reason if reason else "")
