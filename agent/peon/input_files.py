"""The files of a job's inputs, a page at a time as they are fetched, and fresh addresses for those that waited too long."""

import json
import os
import threading
from collections import deque

from peon.errors import JobFailed
from peon.http_client import HttpError, Unreachable

_MOST_PAGES_AGAIN = 20
_MOST_LINES = 100


class InputFiles:
    """`details` are the job's; its inputs get the files of the pages as they come. Several threads may take at once.

    A server that knows no pages has put every file into the details, and has no `next_files` there.
    """

    def __init__(self, details, api, say, make_room, announce):
        self._api = api
        self._say = say
        self._make_room = make_room  # hears of files before they are taken
        self._announce = (
            announce  # hears of packages before files of them are taken, and how to get a fresh address
        )
        self._entries = {entry["name"]: entry for entry in details["inputs"]}
        self._knows_pages = "next_files" in details
        self._next = details.get("next_files")
        self._names = {name: _Names(name) for name in self._entries}
        self._waiting = deque()
        self._taking = threading.Lock()
        self._renewing = threading.Lock()
        self._fresh = {}
        self._left_out = 0
        for entry in details["inputs"]:
            for file in entry["files"]:
                self._arrive(entry, file, None)
        self._prepare()

    def take(self):
        """(entry, file) to be downloaded next; None when there are no more. Raises JobFailed when a page cannot be had."""
        with self._taking:
            while not self._waiting and self._next is not None:
                self._read_page()
            return self._waiting.popleft() if self._waiting else None

    def renewal(self, entry, file):
        """`renew(refused url)` gives the file with a fresh address, or None; None when that is not the platform's to give.

        Of a file that is in a package, which has no address, `renew(None)` gives its first one.
        """
        if not (file.get("datum_id") or file.get("storage_uri")):
            return None
        return lambda url: self._renew((entry["name"], file["filename"]), file.get("page"), url)

    def _read_page(self):
        begin = self._next
        page = self._ask(begin)
        for left in page["left_out"]:
            self._left_out += 1
            if self._left_out > _MOST_LINES:
                break
            self._say(
                "input '{}': {} (the input is optional: going on without it)".format(
                    left["input"], left["why"]
                )
            )
        for package in page.get("packages", ()):
            self._announce(package, self._renewal_of_package(package["id"], begin))
        for file in page["files"]:
            entry = self._entries[file.pop("input")]
            entry["files"].append(file)
            self._arrive(entry, file, begin)
        self._next = page["next"]
        self._prepare()

    def _prepare(self):
        self._make_room([file for _, file in self._waiting])

    def _arrive(self, entry, file, page):
        self._names[entry["name"]].take(file)
        if entry["download"] != "on-demand":
            file["page"] = page  # where its address comes from
            self._waiting.append((entry, file))

    def _renewal_of_package(self, identifier, page):
        def renew(refused_url):
            packages = self._ask(page).get("packages", ())
            return next((package for package in packages if package["id"] == identifier), None)

        return renew

    def _renew(self, key, page, refused_url):
        """Addresses of one page expire at the same time: one thread asks for all of them."""
        with self._renewing:
            known = self._fresh.get(key)
            if known is None or known["url"] == refused_url:
                self._fresh = self._addresses(page, key)
            return self._fresh.get(key)

    def _addresses(self, page, wanted):
        """Fresh ones of the page. It may end earlier than it did; then of the next ones until the `wanted` is there."""
        if not self._knows_pages:
            return {
                (entry["name"], file["filename"]): file
                for entry in self._api.inputs()
                for file in entry["files"]
            }
        found = {}
        for _ in range(_MOST_PAGES_AGAIN):
            answer = self._ask(page, one_by_one=True)
            found.update(((file["input"], file["filename"]), file) for file in answer["files"])
            page = answer["next"]
            if wanted in found or page is None:
                break
        return found

    def _ask(self, after, one_by_one=False):
        try:
            return self._api.input_files(after, one_by_one)
        except HttpError as error:
            raise JobFailed(_message_of(error))
        except Unreachable as error:
            raise JobFailed("the files of the inputs are not known: {}".format(error))


class _Names:
    """Of the files of one input."""

    def __init__(self, input_name):
        self._input = input_name
        self._taken = {}
        self._check_inside(input_name)

    def take(self, file):
        """Raises JobFailed when the file would lie outside its input's folder, or where another one lies."""
        name = os.path.normpath(file["filename"])
        self._check_inside(file["filename"])
        if name in self._taken:
            raise JobFailed(
                "input '{}': {} and {} would both be the file '{}'. Keep directories, or give one another "
                "name.".format(self._input, self._taken[name], file["uri"], name)
            )
        self._taken[name] = file["uri"]

    def _check_inside(self, name):
        parts = name.split("/")
        if os.path.isabs(name) or ".." in parts or "\0" in name or not name.strip("/."):
            raise JobFailed("input '{}': '{}' is not a usable file name.".format(self._input, name))


def _message_of(error):
    """What the server says of it, else the status."""
    try:
        return json.loads(error.body.decode("utf-8"))["message"]
    except (ValueError, KeyError, TypeError):
        return "the files of the inputs are not known: {}".format(error)
