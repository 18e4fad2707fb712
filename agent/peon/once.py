"""An agent for one job: takes exactly that job from its queue, runs it, waits until the server has stored all of it, and ends.

It runs as a job of a cluster, which may end it at any time: then there are seconds to stop the job and store its outputs.
"""

import logging
import os
import signal
import threading
import time

from peon import redis_client
from peon.attempt import Attempt
from peon.config import ConfigurationError
from peon.job import Job
from peon.job_folder import remove_tree
from peon.protocol import keys, scripts
from peon.worker import CLAIM_LEASE_SECONDS, Worker, lock_directory

logger = logging.getLogger(__name__)
TAKE_SECONDS = 10
"""Redis gets what it lost back within seconds."""
EVICTION_GRACE_SECONDS = 5
LEFTOVER_SECONDS = 3600


class OnceWorker(Worker):
    """`site` says where it runs, see `peon.dispatch.sites`."""

    def __init__(self, settings, member, site, make_runtime):
        self._folder = os.path.join(settings.directory, "once")
        _remove_leftovers(self._folder)
        settings.directory = os.path.join(self._folder, site.name)
        enrolled = settings.credential
        settings.fixed_identity = (
            "{}/{}".format(enrolled.identity, site.identity) if enrolled else site.identity
        )
        super().__init__(settings, make_runtime)
        self.place = site.facts
        self._site = site
        self._member = member
        self._take = self.redis.register_script(scripts.CLAIM_MEMBER)
        self._evicted = threading.Event()

    def run(self):
        """Exit code 0 also when the execution failed: the platform is told, and the cluster's job did its work."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._on_signal)
        attempt = self._take_member()
        if attempt is None:
            logger.info("%s is not to be had: it was taken, stopped or never there", self._member)
        else:
            logger.info("%s runs %s", self.identity, self._member)
            self._job = Job(attempt, self)
            if self._evicted.is_set():
                self._evict()
            self._job.run()
            self._job.close()
        self.runtime.close()
        remove_tree(self.jobs_folder)
        remove_tree(os.path.dirname(self.jobs_folder))

    def _take_member(self):
        deadline = time.monotonic() + TAKE_SECONDS
        while not self._evicted.is_set():
            try:
                for queue in map(keys.dispatched, self.queues):
                    names = [
                        keys.queue_leases(queue), keys.queue_holders(queue), keys.queue(queue), keys.queue_tokens(queue),
                    ]  # fmt: skip
                    found = self._take(
                        keys=names, args=[self.identity, CLAIM_LEASE_SECONDS * 1000, self._member]
                    )
                    if found:
                        return Attempt(found[0].decode(), found[1].decode(), queue)
                    if self.redis.zscore(keys.queue_leases(queue), self._member) is not None:
                        return None
            except redis_client.errors() as error:
                if time.monotonic() > deadline:
                    raise
                logger.warning("Redis is away: %s", error)
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)
        return None

    def _on_signal(self, number, frame):
        self._evicted.set()
        self._evict()

    def _evict(self):
        if self._job is not None:
            self._job.wishes.evict(self._site.why_it_ends, EVICTION_GRACE_SECONDS)


def _remove_leftovers(folder):
    """Of agents that were killed on this machine: the server has ended their jobs, and nobody else comes to tidy."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        try:
            if time.time() - os.stat(path).st_mtime < LEFTOVER_SECONDS:
                continue  # its agent may be about to lock it
            lock = lock_directory(path)
        except (OSError, ConfigurationError):
            continue  # it runs, or is being removed
        remove_tree(path)
        lock.close()
