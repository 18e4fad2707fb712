"""The agent itself: waits for jobs in its queues and runs them one after another."""

import fcntl
import logging
import os
import signal
import threading
import time

from peon import VERSION, redis_client
from peon import wishes as wish
from peon.attempt import Attempt
from peon.cache import Cache
from peon.config import ConfigurationError
from peon.errors import WorkerRefused
from peon.gpus import GpuError, Gpus, find_gpus
from peon.http_client import HttpClient
from peon.interruption import Interruption
from peon.membership import Membership
from peon.presence import BUSY, CORDONED, DRAINING, IDLE, Presence
from peon.protocol import keys, scripts
from peon.stats import total_memory_kb
from peon.updates import Updates

logger = logging.getLogger(__name__)
WAIT_SECONDS = 5
REFUSED = 4  # exit code that tells a supervisor not to start the agent again
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
        self.credential = settings.credential
        self.machine_id = settings.machine_id
        self._settings = settings
        self.directory, self.disk_free_min = settings.directory, settings.disk_free_min
        self.jobs_folder = os.path.join(settings.directory, "jobs")
        os.makedirs(self.jobs_folder, exist_ok=True)
        self.cache = Cache(settings.cache_directory, settings.cache_bytes)
        self.redis = redis_client.connect(settings.redis_url, ca_file=settings.redis_ca_file)
        self._waiting_redis = redis_client.connect(
            settings.redis_url, blocking=True, ca_file=settings.redis_ca_file
        )
        self.http = HttpClient(ca_file=settings.app_ca_file)
        self.gpus = _look_for_gpus(settings)
        self.runtime = make_runtime(settings, self.identity, self.gpus)
        self._claim = self.redis.register_script(scripts.CLAIM)
        self._updates = Updates(settings, self.http)
        self._membership = self._join() if self.credential is not None else None
        self._refusal = None
        self._stopping = False
        self._stopping_jobs = False
        self._is_restarting = False
        self._is_waiting = False
        self._woken_by = None
        self._interrupted_at = None
        self._job = None
        self._closing = []
        self._presence = Presence(
            self.redis, self.queues, self.description, self.machine_id, self._stop_at_once
        )
        self._interruption = Interruption(settings.cloud, self._on_interruption, settings.metadata_url)

    def run(self):
        """Until a signal or a wish says stop. The first SIGTERM lets the running job end; SIGINT or a second one stops it.

        Returns the exit code: 0, or REFUSED when the platform takes no more of this agent.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            entered = self._membership is None or self._membership.enter(lambda: not self._stopping)
        except WorkerRefused as refused:
            self.give_up(refused)
            entered = False
        if entered:
            self._work()
        self._shut_down()
        return REFUSED if self._refusal else 0

    def _work(self):
        from peon.leftovers import report_leftovers

        if self._membership is not None:
            self._membership.start()
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

    def give_up(self, refused):
        """The platform takes no more of this agent. What it runs was taken from it, unless it is only one too many."""
        logger.error("%s", refused)
        self._refusal = refused
        self._stopping = True
        if self._job is not None and not refused.is_clone:
            self._job.wishes.lose()

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
            cloud=self._settings.cloud,
            installation_type=self._settings.installation_type,
            allows_mounts=self.allows_mounts,
            memory_bytes=total_memory_kb() * 1024,
        )
        facts.update(self.gpus.facts)
        facts.update(self.place)
        if self.machine_id:
            facts["machine_id"] = self.machine_id
        if self._interrupted_at:
            facts["interrupted_at"] = self._interrupted_at
        return facts

    def _join(self):
        return Membership(
            self.http, self.app_url, self.credential, self.description, self.give_up, self._updates.hear
        )

    def _turn(self):
        self._presence.introduce()
        if self._interrupted_at:
            # The platform hears of it as long as the machine is there, and ends it when its job has ended.
            self._presence.become(DRAINING)
            self._give_back_wake()
            self._pause(_CORDONED_SECONDS)
            return
        attempt, wished = self._claim_next()
        if attempt is not None:
            self._run_job(attempt)
        elif wished:
            self._obey(wished)
        else:
            self._presence.become(IDLE)
            self._update_if_due()
            self._wait_for_wake()

    def _claim_next(self):
        """(attempt, None) of the first queue that has a job, or (None, what is wished instead, or None).

        Each queue has leases and wishes of its own.
        """
        for queue in self.queues:
            names = [
                keys.queue_leases(queue), keys.queue_holders(queue), keys.queue_wishes(queue),
                keys.queue(queue), keys.queue_tokens(queue),
            ]  # fmt: skip
            found = self._claim(keys=names, args=[self.identity, CLAIM_LEASE_SECONDS * 1000, self.machine_id])
            if found and found[0]:
                return Attempt(found[0].decode(), found[1].decode(), queue), None
            if found:
                return None, found[1].decode()
        return None, None

    def _obey(self, wished):
        """Between two jobs. A worker of a later server's wish that this one does not know takes no job either."""
        self._give_back_wake()
        if wished == keys.RESTART:
            for queue in self.queues:
                self.redis.hdel(keys.queue_wishes(queue), self.identity)
            self._is_restarting = self._stopping = True
        elif wished == keys.STOP or (wished == keys.DRAIN and not self._is_closing()):
            self._stopping = True
        else:
            # While the server has not stored the end of a job, its spool is needed: a drained machine is thrown away.
            self._presence.become(DRAINING if wished == keys.DRAIN else CORDONED)
            self._pause(_CORDONED_SECONDS)

    def _give_back_wake(self):
        """The bell rang for somebody who takes the job."""
        if self._woken_by is not None:
            bell, member, score = self._woken_by
            self.redis.zadd(bell, {member: score})
            self._woken_by = None

    def _is_closing(self):
        return any(thread.is_alive() for thread in self._closing)

    def _wait_for_wake(self):
        self._is_waiting = True
        try:
            # A signal between the check and here would wait for the time-out; the handler raises from now on.
            if not self._stopping:
                self._woken_by = self._waiting_redis.bzpopmin(
                    [keys.queue_bell(queue) for queue in self.queues], timeout=WAIT_SECONDS
                )
        finally:
            self._is_waiting = False

    def _update_if_due(self):
        """Between jobs: nothing runs, and everything that was said of the last one is stored."""
        self._updates.came_up()
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        if not self._closing and self._updates.is_due() and self._updates.install():
            self._shut_down()
            self._updates.restart()

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
        if self._membership is not None:
            self._membership.stop()
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
            for queue in self.queues:
                self.redis.hdel(keys.queue_workers(queue), self.identity)
        except redis_client.errors():
            pass
        if self._membership is not None and self._refusal is None:
            self._membership.leave()
        self.runtime.close()
        logger.info("%s ended", self.identity)
        if self._is_restarting:
            logger.info("%s starts again", self.identity)
            self._updates.restart()


def _look_for_gpus(settings):
    try:
        found = find_gpus()
    except GpuError as error:
        logger.warning("GPUs are not used: %s. `peon doctor` says more", error)
        found = []
    if settings.gpu_index is not None and settings.gpu_index not in [gpu["index"] for gpu in found]:
        raise ConfigurationError(
            "SINGLE_GPU_PER_PEON gives this agent the GPU {}, and the machine has {}. Start one agent for each GPU, or set it "
            "to false.".format(settings.gpu_index, len(found) or "none")
        )
    return Gpus(found, settings.gpu_index)


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
