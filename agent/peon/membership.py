"""An enrolled agent's standing with the platform: it says who it is, that it lives, and hears when it is to go."""

import logging
import os
import threading
import time
import uuid

from peon.background import Background
from peon.errors import WorkerRefused
from peon.http_client import HttpError, Unreachable
from peon.worker_api import WorkerApi

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 90  # with whoever has the identity: after a crash the machine itself had it, and that is forgotten by then
_RETRY_SECONDS = (0.5, 1, 2, 5, 10)
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Membership(Background):
    """`describe` gives the worker's description, `on_refused` is told why the agent is to end, `on_offer` of versions."""

    def __init__(self, http, app_url, credential, describe, on_refused, on_offer):
        super().__init__("membership")
        self._api = WorkerApi(http, app_url, credential)
        self._describe = describe
        self._on_refused = on_refused
        self._on_offer = on_offer
        self._instance = uuid.uuid4().hex
        self._turn = 0
        self._ended = threading.Event()
        self._seconds = 20.0

    def enter(self, goes_on):
        """Until the platform knows that this agent speaks for the identity. Raises WorkerRefused.

        `goes_on` says whether there is any use in waiting; when it says no, False is returned.
        """
        began, failures, told = time.monotonic(), 0, ""
        while goes_on():
            try:
                self._say_hello()
                return True
            except WorkerRefused as refused:
                if not refused.is_clone or time.monotonic() - began > PATIENCE_SECONDS:
                    raise
                problem = str(refused)
            except (HttpError, Unreachable) as error:
                problem = "the application is away: {}".format(error)
            if problem != told:
                logger.warning("%s; trying again", problem)
                told = problem
            self._ended.wait(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
            failures += 1
        return False

    def run(self):
        while not self._ended.wait(self._seconds):
            try:
                self._say_hello()
            except WorkerRefused as refused:
                self._on_refused(refused)
                return
            except (HttpError, Unreachable) as error:
                logger.info("the application did not hear that this agent lives: %s", error)
            except Exception:
                logger.exception("saying hello failed")

    def leave(self):
        """The agent ends: the next one need not wait until this one is forgotten."""
        self._ended.set()
        try:
            self._api.bye(self._instance)
        except (HttpError, Unreachable, WorkerRefused):
            pass

    def stop(self):
        """Wake whoever waits in `enter`."""
        self._ended.set()

    def _say_hello(self):
        self._turn += 1
        presence = {"instance": self._instance, "boot_id": boot_id(), "turn": self._turn}
        answer = self._api.hello(self._describe(), presence)
        self._seconds = float(answer["hello_seconds"])
        self._on_offer(answer.get("agent"))


def boot_id():
    try:
        with open(_BOOT_ID) as file:
            return file.read().strip()
    except OSError:
        return "pid-1-of-{}".format(os.stat("/proc/1").st_ctime)
