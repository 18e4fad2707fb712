"""All inputs of a job, downloaded in parallel."""

import os

from peon.checksums import NAMES
from peon.downloads import Damaged
from peon.errors import JobFailed
from peon.http_client import HttpError, Unreachable
from peon.input_files import InputFiles
from peon.packages import Packages
from peon.parallel import until_empty
from peon.sizes import size_text

MOST_AT_ONCE = 32
MOST_LINES = 100


class InputFetcher:
    """`check` raises when the job is to end."""

    def __init__(self, downloader, folder, api, say, check):
        self._check = check
        self._downloader = downloader
        self._folder = folder
        self._api = api
        self._say = say
        self._packages = Packages(downloader, os.path.join(os.path.dirname(folder), ".packages"), say)
        self._told = 0

    def fetch(self, details):
        """Place every file of the job's inputs, which get those that were not in its details.

        {(input name, file name): measured}. Raises JobFailed for one that cannot be had.
        """
        files = InputFiles(details, self._api, self._say, self._downloader.make_room, self._packages.announce)
        for entry in details["inputs"]:
            os.makedirs(os.path.join(self._folder, entry["name"]), exist_ok=True)
        found = {}

        def fetch_one(taken):
            entry, file = taken
            measured = self._fetch_one(entry, file, files.renewal(entry, file))
            if measured:
                found[entry["name"], file["filename"]] = measured
            for name in ("url", "headers", "page", "package"):
                file.pop(name, None)  # there may be many files

        until_empty(fetch_one, files.take, MOST_AT_ONCE, self._check)
        self._packages.close()
        return found

    def _fetch_one(self, entry, file, renew):
        target = os.path.join(self._folder, entry["name"], file["filename"])
        try:
            measured = self._packages.place(file, target) if "package" in file else None
            if measured is None:
                measured = self._downloader.fetch(_with_address(file, renew), target, renew)
        except (HttpError, Unreachable, Damaged, OSError) as error:
            problem = "input '{}': {}".format(entry["name"], error)
            if entry.get("optional"):
                self._say(problem + " (the input is optional: going on without it)")
                return None
            raise JobFailed(problem)
        self._tell(entry, file, measured)
        return measured

    def _tell(self, entry, file, measured):
        self._told += 1
        if self._told > MOST_LINES:
            return
        self._say(
            "input '{}': {} {}, {}, {}".format(
                entry["name"],
                file["filename"],
                _origin(measured),
                size_text(measured["size"]),
                ", ".join("{} {}".format(name, measured[name]) for name in NAMES if measured.get(name)),
            )
        )
        if self._told == MOST_LINES:
            self._say("further input files are not listed")


def _with_address(file, renew):
    """A file of a package that is of no use has none yet."""
    if file.get("url"):
        return file
    fresh = renew(None)
    if fresh is None:
        raise Unreachable("the platform has no address for '{}' any more".format(file["filename"]))
    return fresh


def _origin(measured):
    if measured["from_cache"]:
        return "found in cache"
    return "unpacked" if measured.get("from_package") else "downloaded"
