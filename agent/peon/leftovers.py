"""What an agent that was killed left behind: its jobs' events are sent on, and jobs without an end are said to have crashed."""

import json
import logging
import os
import threading

from peon.api_client import JobApi
from peon.attempt import Attempt
from peon.errors import JobLost
from peon.job_folder import JobFolder, remove_tree
from peon.lease import Lease
from peon.protocol import events
from peon.sender import Sender
from peon.spool import Spool

logger = logging.getLogger(__name__)
MESSAGE = "The worker agent was killed while it ran this job."


def report_leftovers(worker):
    """Threads that bring each leftover job to its end."""
    threads = []
    for name in sorted(os.listdir(worker.jobs_folder)):
        folder = JobFolder(os.path.join(worker.jobs_folder, name))
        # The processes of the job are dead: its files are of no use any more.
        folder.remove_files()
        attempt = _read_note(folder.note)
        if attempt is None or not os.path.isdir(folder.spool):
            remove_tree(folder.path)
            continue
        logger.info("sending what is left of %s", attempt.member)
        thread = threading.Thread(
            target=_Leftover(worker, folder, attempt).bring_to_end, name="leftover", daemon=True
        )
        thread.start()
        threads.append(thread)
    return threads


class _Leftover:
    def __init__(self, worker, folder, attempt):
        self._worker = worker
        self._folder = folder
        self._attempt = attempt
        self._done = threading.Event()
        self._spool = None

    def bring_to_end(self):
        try:
            self._spool = Spool.reopen(self._folder.spool)
            self._send_rest()
        except JobLost:
            pass  # the server knows the end already
        except Exception:
            logger.exception(
                "what is left of %s could not be sent; the next start tries again", self._attempt.member
            )
            return
        remove_tree(self._folder.path)

    def _send_rest(self):
        api = JobApi(self._worker.http, self._worker.app_url, self._attempt, patience_seconds=3600)
        lease = self._lease()
        lease.start()
        sender = Sender(self._worker.redis, self._spool, api, self._attempt, self._lost)
        try:
            self._catch_up(api.cursor())
            sender.start()
            lease.hurry()
            self._done.wait()
        finally:
            sender.stop()
            lease.release()

    def _catch_up(self, cursor):
        """Raises JobLost when the execution has ended for the server."""
        if cursor["final"]:
            raise JobLost("the execution has ended")
        self._spool.acknowledge(cursor["next_seq"])
        if cursor["next_seq"] > self._spool.next_seq:
            # The disk lost the end of the spool with the machine; the server has more than we do.
            self._spool.renumber(cursor["next_seq"], cursor["next_line"])
        if not self._spool.has_finish:
            self._spool.add_lines(events.STATUS, MESSAGE)
            self._spool.add_fact(
                {"k": events.FINISH, "status": "crashed", "exit_code": None, "reason": MESSAGE}
            )

    def _lease(self):
        return Lease(
            self._worker.redis,
            self._attempt,
            self._worker.identity,
            lambda wish: None,
            self._acknowledged,
            self._lost,
        )

    def _acknowledged(self, seq):
        self._spool.acknowledge(seq)
        if self._spool.has_finish and self._spool.is_empty():
            self._done.set()

    def _lost(self):
        self._spool.discard()
        self._done.set()


def _read_note(path):
    try:
        with open(path) as file:
            note = json.load(file)
        return Attempt(note["member"], note["token"], note.get("queue"))
    except (OSError, ValueError, KeyError):
        return None
