"""Watches a running command: wishes of the user, the time limits, and the steps from asking to forcing."""

import signal
import time

from peon import wishes as wish
from peon.errors import JobInterrupted
from peon.outcome import COMPLETE, CRASHED, ERROR, STOPPED, Outcome
from peon.sizes import duration_text
from peon.stats import StatsReporter

LOOK_SECONDS = 0.25
TERMINATE_GRACE_SECONDS = 3


class Supervision:
    """The time limit counts from the claim, the no-output timeout from the last line or the command's start."""

    def __init__(self, limits, wishes, log, clock=time.monotonic):
        self._wishes = wishes
        self._log = log
        self._clock = clock
        self._usual_grace = float(limits.get("stop_grace_seconds") or 0)
        self._time_limit = limits.get("time_limit_seconds")
        self._silence_limit = limits.get("no_output_timeout_seconds")
        self._began = clock()
        self._broken_limit = None
        self._next_step_at = None
        self._steps = []

    def check_time_limit(self):
        """Raises JobInterrupted when the job has used up its time before its command began."""
        if self._time_limit and self._clock() - self._began > self._time_limit:
            self._break_limit("time limit of {} reached".format(duration_text(self._time_limit)))
            raise JobInterrupted(self._broken_limit)

    def watch(self, running, spool):
        """Until the command has ended; its `Exit`."""
        self._log.last_output_at = self._clock()
        stats = StatsReporter(running, spool)
        while True:
            self._apply_limits()
            self._take_steps(running)
            stats.report()
            ended = running.wait(LOOK_SECONDS)
            if ended is not None:
                return ended

    def interrupted_outcome(self, reason):
        """How a job ended whose command never began."""
        return (
            Outcome(ERROR, None, self._broken_limit)
            if self._broken_limit
            else Outcome(self._stopped_status, None, reason)
        )

    def outcome(self, ended):
        """How a job ended whose command ended with `ended`."""
        if self._wishes.level in (wish.STOP, wish.KILL):
            return Outcome(self._stopped_status, ended.code, self._wishes.reason)
        if self._broken_limit:
            return Outcome(ERROR, ended.code, self._broken_limit)
        if ended.out_of_memory:
            return Outcome(ERROR, ended.code, "The command ran out of memory and was killed.")
        if ended.code == 0:
            return Outcome(COMPLETE, 0)
        return Outcome(ERROR, ended.code, _why(ended.code))

    @property
    def _stopped_status(self):
        """Nobody asked for the end when the machine is taken away."""
        if not self._wishes.is_eviction:
            return STOPPED
        return ERROR if self._wishes.reason and self._wishes.broke_limit else CRASHED

    @property
    def _grace(self):
        most = self._wishes.most_grace_seconds
        return self._usual_grace if most is None else min(self._usual_grace, most)

    def _apply_limits(self):
        if self._broken_limit or self._wishes.level:
            return
        now = self._clock()
        if self._time_limit and now - self._began > self._time_limit:
            self._break_limit("time limit of {} reached".format(duration_text(self._time_limit)))
        elif self._silence_limit and now - self._log.last_output_at > self._silence_limit:
            self._break_limit("no output for {}".format(duration_text(self._silence_limit)))

    def _break_limit(self, reason):
        self._broken_limit = reason
        self._log.say("stopping the job: {}".format(reason))

    def _take_steps(self, running):
        """SIGINT, after the grace time SIGTERM, then SIGKILL; `kill` and a lost job go straight to the last."""
        if self._wishes.level >= wish.KILL and self._steps != [signal.SIGKILL]:
            self._steps = [signal.SIGKILL]
            self._next_step_at = None
            if self._wishes.level == wish.KILL:
                self._log.say("killing the job: {}".format(self._wishes.reason))
            running.signal(signal.SIGKILL)
            return
        if not (self._broken_limit or self._wishes.level == wish.STOP):
            return
        now = self._clock()
        if not self._steps:
            if not self._broken_limit:
                self._log.say("stopping the job: {}".format(self._wishes.reason))
            self._step(running, signal.SIGINT, now + self._grace)
        elif self._next_step_at is not None and now > self._next_step_at:
            if self._steps[-1] == signal.SIGINT:
                self._log.say(
                    "the command goes on {} after the interrupt: terminating it".format(
                        duration_text(self._grace)
                    )
                )
                self._step(running, signal.SIGTERM, now + TERMINATE_GRACE_SECONDS)
            else:
                self._log.say("the command goes on: killing it")
                self._step(running, signal.SIGKILL, None)

    def _step(self, running, number, next_at):
        self._steps.append(number)
        self._next_step_at = next_at
        running.signal(number)


def _why(code):
    if code == 127:
        return "The command ended with exit code 127: a program in it was not found."
    if code == 126:
        return "The command ended with exit code 126: a program in it cannot be executed."
    if code > 128:
        try:
            return "The command was ended by {} (exit code {}).".format(signal.Signals(code - 128).name, code)
        except ValueError:
            pass
    return "The command ended with exit code {}.".format(code)
