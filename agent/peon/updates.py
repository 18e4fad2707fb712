"""The agent replaces itself between jobs by the version that its platform offers; the starter takes a bad one back.

In the folder of programs, which the installer made:
    peon.pyz       link to the version that is started
    previous.pyz   link to the one before
    trial          there while the new one has not come up yet; the starter counts its starts in the agent's directory
    refused        names of versions that did not come up
"""

import fcntl
import hashlib
import logging
import os
import subprocess
import sys

import peon
from peon.http_client import HttpError, Unreachable

logger = logging.getLogger(__name__)
_CURRENT, _PREVIOUS, _TRIAL, _REFUSED, _STARTER = "peon.pyz", "previous.pyz", "trial", "refused", "start"
_CHECK_SECONDS = 60


class Updates:
    def __init__(self, settings, http):
        self._programs = settings.programs if settings.auto_update else None
        self._app_url = settings.app_url
        self._directory = settings.directory
        self._credential = settings.credential
        self._http = http
        self._own = os.path.realpath(os.path.dirname(os.path.dirname(os.path.abspath(peon.__file__))))
        self._offered = None

    def hear(self, offer):
        """What the platform says that agents should be: {"version", "sha256"}, or None. Said with every hello."""
        self._offered = (offer or {}).get("sha256")

    def came_up(self):
        """This version works: the platform and Redis have heard of it."""
        if self._programs is not None:
            _forget(os.path.join(self._directory, "tries"))
            _forget(self._path(_TRIAL))

    def is_due(self):
        if self._programs is None or not os.path.isfile(self._own):
            return False
        if os.path.realpath(self._path(_CURRENT)) != self._own:
            return True  # another agent of this machine was first
        name = _name_of(self._offered) if self._offered else None
        return name not in (None, os.path.basename(self._own)) and not self._is_refused(name)

    def install(self):
        """Whether another version is there to be started. Never raises for what may heal: the next hello tries again."""
        try:
            with open(self._path("update.lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                return os.path.realpath(self._path(_CURRENT)) != self._own or self._take(self._offered)
        except (OSError, Unreachable, HttpError) as error:
            logger.warning("the offered version of the agent could not be installed: %s", error)
            self._offered = None
            return False

    def restart(self):
        """Begin anew, as the version that stands there. Does not return."""
        if self._programs is None:
            program = [self._own] if os.path.isfile(self._own) else ["-m", "peon"]
            os.execv(sys.executable, [sys.executable] + program + sys.argv[1:])
        starter = self._path(_STARTER)
        logger.info("starting %s", os.path.basename(os.path.realpath(self._path(_CURRENT))))
        os.execv(starter, [starter] + sys.argv[1:])

    def _take(self, sha256):
        name = _name_of(sha256)
        content = self._fetch()
        if hashlib.sha256(content).hexdigest() != sha256:
            # It changed between the hello and the download: the next hello tells the new one.
            logger.warning("the platform gives another agent than it has announced")
            self._offered = None
            return False
        unfinished = self._path(name + ".new")
        with open(unfinished, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(unfinished, 0o755)
        os.rename(unfinished, self._path(name))
        if not self._runs(name):
            self._refuse(name)
            return False
        self._switch_to(name)
        return True

    def _fetch(self):
        """From the platform itself, whatever address was told, and as this worker."""
        headers = {"Authorization": "Worker " + self._credential.text}
        with self._http.request("GET", self._app_url + "/agent/peon.pyz", headers) as answer:
            return answer.read()

    def _runs(self, name):
        """Whether this machine's Python can load it at all."""
        try:
            done = subprocess.run(
                [sys.executable, self._path(name), "run", "--help"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_CHECK_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.error("the offered version of the agent does not run: %s", error)
            return False
        if done.returncode:
            logger.error(
                "the offered version of the agent does not run: %s",
                done.stdout[-500:].decode("utf-8", "replace"),
            )
        return done.returncode == 0

    def _switch_to(self, name):
        """The order is that of safety: whenever the machine dies in between, what is started works or is taken back."""
        _forget(os.path.join(self._directory, "tries"))
        _link(os.path.basename(self._own), self._path(_PREVIOUS))
        with open(self._path(_TRIAL), "w"):
            pass
        _link(name, self._path(_CURRENT))
        kept = (name, os.path.basename(self._own))
        for other in os.listdir(self._programs):
            if other.startswith("peon-") and other not in kept:
                _forget(self._path(other))

    def _is_refused(self, name):
        try:
            with open(self._path(_REFUSED)) as file:
                return name in file.read().split()
        except FileNotFoundError:
            return False

    def _refuse(self, name):
        with open(self._path(_REFUSED), "a") as file:
            file.write(name + "\n")

    def _path(self, name):
        return os.path.join(self._programs, name)


def _name_of(sha256):
    """As the installer names it."""
    return "peon-{}.pyz".format(sha256[:12])


def _link(target, path):
    unfinished = path + ".link"
    _forget(unfinished)
    os.symlink(target, unfinished)
    os.rename(unfinished, path)


def _forget(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
