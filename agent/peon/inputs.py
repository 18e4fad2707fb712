"""All inputs of a job, downloaded in parallel."""

import os
import threading

from peon.checksums import NAMES
from peon.downloads import Damaged
from peon.errors import JobFailed
from peon.http_client import HttpError, Unreachable
from peon.parallel import in_parallel
from peon.sizes import size_text

PARALLEL = 8
MOST_LINES = 100


class InputFetcher:
    """`check` raises when the job is to end."""

    def __init__(self, downloader, folder, api, say, check):
        self._check = check
        self._downloader = downloader
        self._folder = folder
        self._addresses = FreshAddresses(api)
        self._say = say
        self._told = 0

    def fetch(self, inputs):
        """Place every file; {(input name, file name): measured}. Raises JobFailed for one that cannot be had."""
        check_names(inputs)
        for entry in inputs:
            os.makedirs(os.path.join(self._folder, entry["name"]), exist_ok=True)
        wanted = [
            (entry, file) for entry in inputs if entry["download"] != "on-demand" for file in entry["files"]
        ]
        self._downloader.make_room([file for _, file in wanted])
        found = in_parallel(lambda pair: self._fetch_one(*pair), wanted, PARALLEL, self._check)
        return {
            (entry["name"], file["filename"]): known for (entry, file), known in zip(wanted, found) if known
        }

    def _fetch_one(self, entry, file):
        target = os.path.join(self._folder, entry["name"], file["filename"])
        try:
            measured = self._downloader.fetch(file, target, self._addresses.renewal(entry, file))
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
                "found in cache" if measured["from_cache"] else "downloaded",
                size_text(measured["size"]),
                ", ".join("{} {}".format(name, measured[name]) for name in NAMES),
            )
        )
        if self._told == MOST_LINES:
            self._say("further input files are not listed")


class FreshAddresses:
    """Addresses that the platform has signed expire. Many do at the same time: all are asked for at once."""

    def __init__(self, api):
        self._api = api
        self._lock = threading.Lock()
        self._fresh = {}

    def renewal(self, entry, file):
        """For `Downloader.fetch`; None when the address is not the platform's to renew."""
        if not (file.get("datum_id") or file.get("storage_uri")):
            return None
        return lambda url: self._renew((entry["name"], file["filename"]), url)

    def _renew(self, key, refused_url):
        with self._lock:
            known = self._fresh.get(key)
            if known is None or known["url"] == refused_url:
                self._fresh = {
                    (entry["name"], file["filename"]): file
                    for entry in self._api.inputs()
                    for file in entry["files"]
                }
            return self._fresh.get(key)


def check_names(inputs):
    """Raises JobFailed when a file would lie outside its input's folder, or where another one lies."""
    for entry in inputs:
        taken = {}
        _check_inside(entry["name"], entry["name"])
        for file in entry["files"]:
            name = os.path.normpath(file["filename"])
            _check_inside(entry["name"], file["filename"])
            if name in taken:
                raise JobFailed(
                    "input '{}': {} and {} would both be the file '{}'. Keep directories, or give one another "
                    "name.".format(entry["name"], taken[name], file["uri"], name)
                )
            taken[name] = file["uri"]


def _check_inside(input_name, name):
    parts = name.split("/")
    if os.path.isabs(name) or ".." in parts or "\0" in name or not name.strip("/."):
        raise JobFailed("input '{}': '{}' is not a usable file name.".format(input_name, name))
