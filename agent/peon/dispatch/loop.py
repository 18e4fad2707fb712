"""The dispatcher: looks at its queues and its cluster, does what the planner decides, and tells the platform."""

import logging
import os
import signal
import threading
import time

from peon import VERSION, redis_client
from peon.api_client import JobApi
from peon.attempt import Attempt
from peon.dispatch import planner
from peon.dispatch.base import Placement, Refused, Unavailable
from peon.dispatch.journal import Journal
from peon.dispatch.queues import Queues
from peon.errors import JobLost
from peon.http_client import HttpClient, HttpError, Unreachable
from peon.parallel import in_parallel
from peon.worker import lock_directory

logger = logging.getLogger(__name__)
STANDBY_SECONDS = 5
HELLO_SECONDS = 10
TELL_AGAIN_SECONDS = 60
PATIENCE_SECONDS = 5
_TELLERS = 8
_RETRY_SECONDS = 2


class Dispatcher:
    def __init__(self, settings, cluster):
        folder = os.path.join(settings.directory, "dispatch-" + cluster.kind)
        os.makedirs(folder, exist_ok=True)
        self._lock = lock_directory(folder)
        self.identity = "{}-dispatcher-{}".format(cluster.kind, settings.identity())[:128]
        self._settings = settings
        self._cluster = cluster
        self._journal = Journal(os.path.join(folder, "jobs"))
        self._queues = Queues(
            redis_client.connect(settings.redis_url, ca_file=settings.redis_ca_file),
            redis_client.connect(settings.redis_url, blocking=True, ca_file=settings.redis_ca_file),
            settings.queues,
            self.identity,
        )
        self._http = HttpClient(ca_file=settings.app_ca_file)
        self._poll_seconds = settings.poll_seconds
        self._stopping = threading.Event()
        self._said_hello_at = None
        self._cluster_facts = {}
        self._forget_everything()

    def run(self):
        """Until SIGTERM or SIGINT. What was handed over goes on without us."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        logger.info("%s hands over what waits in %s", self.identity, ", ".join(self._settings.queues))
        trouble = ""
        while not self._stopping.is_set():
            try:
                self._turn()
                trouble = ""
            except redis_client.errors() as error:
                if not trouble:
                    logger.warning("Redis is away: %s", error)
                trouble = str(error)
                self._stopping.wait(_RETRY_SECONDS)
        self._shut_down()

    def _turn(self):
        if not self._queues.hold():
            # Whoever has them may know more than we do by the time it is our turn.
            self._forget_everything()
            self._say_hello("stands by: another dispatcher has the queues")
            self._stopping.wait(STANDBY_SECONDS)
            return
        problem = ""
        try:
            self.look()
        except Unavailable as error:
            problem = str(error)
            if problem != self._problem:
                logger.warning("the cluster does not answer: %s", problem)
        self._problem = problem
        self._say_hello(problem)
        self._wait(self._poll_seconds if problem or self._is_busy else HELLO_SECONDS)

    def look(self):
        """One look, and everything that follows from it. Raises Unavailable when the cluster does not answer."""
        self._platform_is_away = False
        # First the cluster: what has left the queue since then is found to be taken, and not submitted again.
        try:
            jobs = self._cluster.jobs() if len(self._journal) or self._queues.waiting() else []
        except Unavailable as error:
            self._waiting = self._queues.waiting()
            self._tell_to_wait(self._waiting, error)
            raise
        self._waiting = waiting = self._queues.waiting()
        known = self._journal.members()
        concerned = set(waiting) | set(known) | {job.member for job in jobs}
        facts = planner.Facts(
            waiting,
            self._queues.leased(concerned),
            jobs,
            known,
            self._failures,
            self._unwanted,
            time.monotonic(),
        )
        plan = planner.plan(facts, self._counted)
        self._unwanted = plan.unwanted
        self._is_busy = bool(concerned)
        self._failures = {member: count for member, count in self._failures.items() if member in waiting}
        self._counted &= {job.handle for job in jobs}
        self._carry_out(plan)

    def _carry_out(self, plan):
        over = [job for job in plan.ask if self._is_over(job)]
        self._cancel(plan.cancel + over)
        for job in over:
            self._journal.remove(job.member)
        for job in plan.failed:
            self._note_failure(job, job in plan.give_up)
        for member, job in plan.ended.items():
            self._report_end(member, job)
        self._tell({member: self._cluster.words_of_waiting(job) for member, job in plan.tell.items()})
        for number, member in enumerate(plan.submit):
            if self._stopping.is_set() or self._platform_is_away or not self._queues.hold():
                return
            try:
                self._submit(member)
            except Unavailable as error:
                self._tell_to_wait(plan.submit[number:], error)
                raise

    def _submit(self, member):
        token, queue = self._waiting[member]
        self._journal.add(member, token)
        try:
            placement = Placement(member, queue, self._api(member).placement())
            handle = self._cluster.submit(placement)
        except JobLost:
            self._journal.remove(member)
        except Refused as refused:
            self._refuse(member, str(refused))
        except (HttpError, Unreachable) as error:
            self._note_absence(error)
        else:
            logger.info("%s is job %s", member, handle)
            self._tell({member: "Handed to {} as job {}.".format(self._cluster.kind.capitalize(), handle)})

    def _note_failure(self, job, is_last):
        words = self._cluster.words_of_end(job)
        self._counted.add(job.handle)
        tries = self._failures.get(job.member, (0, 0.0))[0] + 1
        self._failures[job.member] = (tries, time.monotonic())
        logger.warning("job %s of %s ended before its agent took the job: %s", job.handle, job.member, words)
        if is_last:
            self._refuse(job.member, words + " The execution had not begun.")
        else:
            self._tell({job.member: words + " The execution had not begun: it is submitted again."})
        self._cluster.forget(job)

    def _refuse(self, member, words):
        if self._report(member, "refused", words):
            self._journal.remove(member)

    def _report_end(self, member, job):
        """The platform ignores what it has heard from the worker itself."""
        if job is None:
            job = self._cluster.ended(member)
        if job is not None and job.has_completed:
            told = True
        else:
            words = self._cluster.words_of_end(job) if job else "The cluster no longer knows its job."
            state = "exceeded" if job and self._cluster.broke_limit(job) else "ended"
            told = self._report(member, state, words)
        if told:
            self._journal.remove(member)
            if job is not None:
                self._cluster.forget(job)

    def _cancel(self, jobs):
        try:
            self._cluster.cancel([job.handle for job in jobs])
        except Unavailable as error:
            # The next look finds them again. What else there is to do does not depend on it.
            logger.warning("jobs of the cluster are not cancelled: %s", error)

    def _is_over(self, job):
        if self._journal.token(job.member) is None:
            # Nobody can be asked in its name: Redis gets what still waits back within seconds.
            return time.monotonic() - self._unwanted[job.handle] >= planner.EXIT_SECONDS
        try:
            self._api(job.member).placement()
        except JobLost:
            return True
        except (HttpError, Unreachable) as error:
            self._note_absence(error)
        return False

    def _tell_to_wait(self, members, error):
        for member in members:
            self._journal.add(member, self._waiting[member][0])
        self._tell(dict.fromkeys(members, "{}. It is tried again.".format(str(error).rstrip("."))))

    def _tell(self, words):
        """Why each waits, when that has changed; once a minute anyway, in case it was overwritten."""
        now = time.monotonic()
        news = [
            (member, text)
            for member, text in words.items()
            if self._told.get(member, ("", 0.0))[0] != text
            or now - self._told[member][1] > TELL_AGAIN_SECONDS
        ]
        for (member, text), told in zip(news, in_parallel(self._tell_one, news, _TELLERS, lambda: None)):
            if told:
                self._told[member] = (text, now)
        self._told = {member: told for member, told in self._told.items() if member in self._waiting}

    def _tell_one(self, news):
        return self._report(news[0], "waiting", news[1])

    def _report(self, member, state, words):
        """Whether the platform has heard it, or wants to hear no more of this attempt."""
        if self._platform_is_away:
            return False
        try:
            self._api(member).report(state, words)
        except JobLost:
            return True
        except (HttpError, Unreachable) as error:
            self._note_absence(error)
            return False
        return True

    def _note_absence(self, error):
        """Each call waits some seconds: one that fails is enough for this look."""
        if not self._platform_is_away:
            logger.warning("the platform does not answer: %s", error)
        self._platform_is_away = True

    def _api(self, member):
        token = self._journal.token(member) or ""
        return JobApi(self._http, self._settings.app_url, Attempt(member, token, None), PATIENCE_SECONDS)

    def _say_hello(self, problem):
        now = time.monotonic()
        if (
            self._said_hello_at is not None
            and now - self._said_hello_at < HELLO_SECONDS
            and problem == self._said_problem
        ):
            return
        if not self._cluster_facts:
            try:
                self._cluster_facts = self._cluster.describe()
            except Unavailable:
                pass
        facts = dict(
            self._cluster_facts, dispatches=self._cluster.kind, problem=problem, jobs=len(self._journal)
        )
        self._queues.say_hello(
            {
                "identity": self.identity, "host": self._settings.host, "agent_version": VERSION,
                "runtime": self._cluster.kind, "facts": facts,
            }
        )  # fmt: skip
        self._said_hello_at, self._said_problem = now, problem

    def _forget_everything(self):
        """What is only known from looking; the next look finds it again."""
        self._waiting = {}
        self._told = {}
        self._failures = {}
        self._counted = set()
        self._unwanted = {}
        self._problem = ""
        self._said_problem = ""
        self._is_busy = False
        self._platform_is_away = False

    def _wait(self, seconds):
        deadline = time.monotonic() + seconds
        while not self._stopping.is_set() and time.monotonic() < deadline:
            # Whole seconds: older servers take no others. A signal does not end the wait, so that it is short.
            if self._queues.wait(1):
                return

    def _on_signal(self, number, frame):
        self._stopping.set()

    def _shut_down(self):
        try:
            self._queues.let_go()
            self._queues.say_goodbye()
        except redis_client.errors():
            pass
        logger.info("%s ended", self.identity)
