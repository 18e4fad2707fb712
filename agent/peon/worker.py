"""The agent itself: waits for jobs in its queues and runs them one after another."""

import fcntl
import logging
import os
import signal
import sys
import threading
import time

from peon import VERSION, redis_client
from peon import wishes as wish
from peon.attempt import Attempt
from peon.cache import Cache
from peon.config import ConfigurationError
from peon.http_client import HttpClient
from peon.interruption import Interruption
from peon.presence import BUSY, CORDONED, DRAINING, IDLE, Presence
from peon.protocol import keys, scripts

logger = logging.getLogger(__name__)
WAIT_SECONDS = 5
CLAIM_LEASE_SECONDS = 15
_CORDONED_SECONDS = 2
_RETRY_SECONDS = (0.2, 0.5, 1, 2, 5)


class StopWaiting(Exception):
    """Raised out of the blocking wait for jobs by a signal."""


class Worker:
    def __init__(self, settings, make_runtime):
        self.host = settings.host
        self.app_url = settings.app_url
        self.queues = settings.queues
        self.allows_mounts = settings.allows_mounts
        os.makedirs(settings.directory, exist_ok=True)
        self.place = {}  # what is known of where it runs, beyond its runtime
        self._lock = lock_directory(settings.directory)
        self.identity = settings.identity()
        self.machine_id = settings.machine_id
        self.jobs_folder = os.path.join(settings.directory, "jobs")
        os.makedirs(self.jobs_folder, exist_ok=True)
        self.cache = Cache(settings.cache_directory, settings.cache_bytes)
        self.redis = redis_client.connect(settings.redis_url)
        self._waiting_redis = redis_client.connect(settings.redis_url, blocking=True)
        self.http = HttpClient()
        self.runtime = make_runtime(settings, self.identity)
        self._claim = self.redis.register_script(scripts.CLAIM)
        self._stopping = False
        self._stopping_jobs = False
        self._is_restarting = False
        self._is_waiting = False
        self._woken_by = None
        self._interrupted_at = None
        self._job = None
        self._closing = []
        self._presence = Presence(self.redis, self.description, self.machine_id, self._stop_at_once)
        self._interruption = Interruption(settings.cloud, self._on_interruption, settings.metadata_url)

    def run(self):
        """Until a signal or a wish says stop. The first SIGTERM lets the running job end; SIGINT or a second one stops it."""
        from peon.leftovers import report_leftovers

        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self.runtime.remove_leftovers()
        self._closing.extend(report_leftovers(self))
        logger.info(
            "%s takes jobs from %s, runtime %s", self.identity, ", ".join(self.queues), self.runtime.name
        )
        self._interruption.watch()
        failures = 0
        while not self._stopping:
            try:
                self._turn()
                failures = 0
            except StopWaiting:
                break
            except redis_client.errors() as error:
                if not failures:
                    logger.warning("Redis is away: %s", error)
                self._pause(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
        self._shut_down()

    def description(self):
        """What the server is told of this worker."""
        return {
            "identity": self.identity,
            "host": self.host,
            "agent_version": VERSION,
            "runtime": self.runtime.name,
            "queues": self.queues,
            "facts": self._facts(),
        }

    def _facts(self):
        facts = dict(
            self.runtime.describe(),
            cpus=os.cpu_count(),
            masks_secrets=True,
            pages_inputs=True,
            takes_packages=True,
            obeys_wishes=True,
            **self.place,
        )
        if self.machine_id:
            facts["machine_id"] = self.machine_id
        if self._interrupted_at:
            facts["interrupted_at"] = self._interrupted_at
        return facts

    def _turn(self):
        self._presence.introduce()
        if self._interrupted_at:
            # The platform hears of it as long as the machine is there, and ends it when its job has ended.
            self._presence.become(DRAINING)
            self._give_back_wake()
            self._pause(_CORDONED_SECONDS)
            return
        found = self._claim_next()
        if not found:
            self._presence.become(IDLE)
            self._wait_for_wake()
        elif found[0]:
            self._run_job(Attempt(found[0].decode(), found[1].decode()))
        else:
            self._obey(found[1].decode())

    def _claim_next(self):
        names = [keys.LEASES, keys.LEASE_HOLDERS, keys.WISHES]
        for queue in self.queues:
            names.extend([keys.queue(queue), keys.queue_tokens(queue)])
        return self._claim(keys=names, args=[self.identity, CLAIM_LEASE_SECONDS * 1000, self.machine_id])

    def _obey(self, wished):
        """Between two jobs. A worker of a later server's wish that this one does not know takes no job either."""
        self._give_back_wake()
        if wished == keys.RESTART:
            self.redis.hdel(keys.WISHES, self.identity)
            self._is_restarting = self._stopping = True
        elif wished == keys.STOP or (wished == keys.DRAIN and not self._is_closing()):
            self._stopping = True
        else:
            # While the server has not stored the end of a job, its spool is needed: a drained machine is thrown away.
            self._presence.become(DRAINING if wished == keys.DRAIN else CORDONED)
            self._pause(_CORDONED_SECONDS)

    def _give_back_wake(self):
        """It was for somebody who takes the job."""
        if self._woken_by is not None:
            self.redis.lpush(self._woken_by, "1")
            self._woken_by = None

    def _is_closing(self):
        return any(thread.is_alive() for thread in self._closing)

    def _wait_for_wake(self):
        self._is_waiting = True
        try:
            # A signal between the check and here would wait for the time-out; the handler raises from now on.
            if not self._stopping:
                woken = self._waiting_redis.blpop(
                    [keys.queue_wake(queue) for queue in self.queues], timeout=WAIT_SECONDS
                )
                self._woken_by = woken[0] if woken else None
        finally:
            self._is_waiting = False

    def _run_job(self, attempt):
        # Loaded with the first job: an agent that only waits stays small.
        from peon.job import Job

        self._woken_by = None
        self._presence.become(BUSY, attempt.member)
        self._job = Job(attempt, self)
        if self._interrupted_at:
            self._interrupt_job(self._job)
        if self._stopping_jobs:
            self._stop_job()  # the signal came after the claim
        self._job.run()
        # The next job need not wait until the server has stored the end of this one.
        closer = threading.Thread(target=self._job.close, name="closer", daemon=True)
        closer.start()
        self._closing = [thread for thread in self._closing if thread.is_alive()] + [closer]
        self._job = None

    def _pause(self, seconds):
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            time.sleep(0.1)

    def _on_signal(self, number, frame):
        self._stopping_jobs = self._stopping or number == signal.SIGINT
        if self._stopping_jobs and self._job is not None:
            self._stop_job()
        self._stopping = True
        if self._is_waiting:
            self._is_waiting = False
            raise StopWaiting()

    def _stop_at_once(self):
        """As SIGINT does; the wait for jobs ends by itself within seconds."""
        self._stopping = self._stopping_jobs = True
        job = self._job
        if job is not None:
            job.wishes.raise_to(wish.STOP, "the worker was told to stop")

    def _on_interruption(self, ends_at):
        """In a thread of its own. The running job is stopped, so that its outputs are kept in the time that is left."""
        logger.warning("the cloud takes this machine back at %s", _clock_time(ends_at))
        self._interrupted_at = ends_at
        self._presence.say_soon()
        job = self._job
        if job is not None:
            self._interrupt_job(job)

    def _interrupt_job(self, job):
        why = "the cloud takes the machine back at {}".format(_clock_time(self._interrupted_at))
        job.wishes.raise_to(wish.STOP, why)

    def _stop_job(self):
        self._job.wishes.raise_to(wish.STOP, "the worker was told to stop")

    def _shut_down(self):
        deadline = time.monotonic() + WAIT_SECONDS
        for thread in self._closing:
            # What is not stored yet stays in the spool, and is sent at the next start.
            thread.join(max(0.0, deadline - time.monotonic()))
        self._interruption.end()
        self._presence.end()
        try:
            self.redis.hdel(keys.WORKERS, self.identity)
        except redis_client.errors():
            pass
        self.runtime.close()
        logger.info("%s ended", self.identity)
        if self._is_restarting:
            logger.info("%s starts again", self.identity)
            os.execv(sys.executable, [sys.executable, "-m", "peon"] + sys.argv[1:])


def _clock_time(seconds):
    return time.strftime("%H:%M:%S UTC", time.gmtime(seconds))


def lock_directory(directory):
    """Two agents in one directory would take each other's jobs for leftovers. The lock ends with the process."""
    lock = open(os.path.join(directory, "lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigurationError(
            "Another agent uses {}: give each agent a PEON_DIR of its own.".format(directory)
        )
    return lock
