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

        def note(entry, file, measured):
            if measured:
                found[entry["name"], file["filename"]] = measured
            for name in ("url", "headers", "page", "package"):
                file.pop(name, None)  # there may be many files

        def fetch(batch):
            if "package" in batch[0][1]:
                self._unpack(batch, note, files.give_back)
            else:
                [(entry, file)] = batch
                renew = files.renewal(entry, file)
                note(
                    entry, file, self._place(entry, file, lambda target: self._download(file, target, renew))
                )

        until_empty(fetch, files.take, MOST_AT_ONCE, self._check)
        self._packages.close()
        return found

    def _unpack(self, batch, note, give_back):
        """By one thread at a time: several would only wait for each other at the folders that they write into."""
        with self._packages.turn:
            for entry, file in batch:
                measured = self._place(
                    entry, file, lambda target, file=file: self._packages.place(file, target)
                )
                if measured is None:
                    give_back(entry, file)
                else:
                    note(entry, file, measured)

    def _download(self, file, target, renew):
        return self._downloader.fetch(_with_address(file, renew), target, renew)

    def _place(self, entry, file, get):
        """What `get(path)` has measured of the file; None when there is none, and an optional input goes without."""
        try:
            measured = get(os.path.join(self._folder, entry["name"], file["filename"]))
        except (HttpError, Unreachable, Damaged, OSError) as error:
            problem = "input '{}': {}".format(entry["name"], error)
            if entry.get("optional"):
                self._say(problem + " (the input is optional: going on without it)")
                return None
            raise JobFailed(problem)
        if measured is not None:
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
