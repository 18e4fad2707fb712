"""Packages: tars that hold many small files of inputs, so that one download gives them all.

A package is fetched when the first of its files is wanted that is not in the cache. Its files go to their places in the job
and, by their sha256, into the cache, as if each had been downloaded; the package itself is of no use after that. Whatever is
wrong with one costs time and nothing else: its files are downloaded one by one then.
"""

import contextlib
import os
import threading

from peon.contents import write_sealed
from peon.downloads import Damaged, NotNeeded
from peon.http_client import HttpError, Unreachable
from peon.job_folder import remove_tree
from peon.sizes import size_text
from peon.tar_members import NotReadable, TarMembers

_UNPACKING = 2  # threads; more only wait for each other at the folder that they write into


class Packages:
    """Of one job. `folder` is for those that are in use, and is removed by `close`."""

    def __init__(self, downloader, folder, say):
        self._downloader = downloader
        self._folder = folder
        self._say = say
        self._known = {}
        self._turns = threading.BoundedSemaphore(_UNPACKING)

    def announce(self, facts, renew):
        """One that files of a page are in: {"id", "url", "headers", "size", "sha256", "files"}; `renew(refused url)` gives it
        with a fresh address, or None."""
        if facts["id"] not in self._known:
            path = os.path.join(self._folder, str(len(self._known)))
            self._known[facts["id"]] = _Package(facts, renew, self._downloader, path, self._say)

    def place(self, file, target):
        """Put `file` at the path `target`; what is known of it, as of a download, or None when no package gives it.

        Raises OSError when it cannot be written.
        """
        found = self._downloader.place_cached(file, target)
        package = self._known.get(file["package"])
        if package is None:
            return found
        if found is None:
            found = self._unpack(package, file, target) or self._downloader.place_cached(file, target)
        package.note_placed()
        return found

    def _unpack(self, package, file, target):
        if not package.is_open(file):
            return None
        with self._turns:
            return self._unpack_one(package, file, target)

    def _unpack_one(self, package, file, target):
        content = package.read(file)
        if content is None:
            return None
        measured, wrong = self._downloader.measure(file, content)
        if wrong:
            package.give_up("its '{}' is damaged: {}".format(file["filename"], wrong))
            return None
        write_sealed(target, content)
        self._downloader.share(file, measured, target)
        return dict(measured, from_cache=False, from_package=True)

    def close(self):
        for package in self._known.values():
            package.close()
        remove_tree(self._folder)


class _Package:
    """Fetched by the first thread that reads of it; the others wait for that."""

    def __init__(self, facts, renew, downloader, path, say):
        self._facts = facts
        self._renew = renew
        self._downloader = downloader
        self._path = path
        self._say = say
        self._lock = threading.Lock()
        self._left = facts["files"]
        self._members = None
        self._is_useless = False

    def is_open(self, file):
        """Whether files can be read; False when it is of no use, and when another job has unpacked `file` meanwhile."""
        with self._lock:
            if self._members is None and not self._is_useless:
                self._open(file)
            return self._members is not None and not self._is_useless

    def read(self, file):
        """The content of the file; None when the package does not have it, or is closed."""
        members = self._members
        try:
            return members.read(file["datum_id"], file["size"]) if members is not None else None
        except (NotReadable, OSError) as error:
            self.give_up(error)
            return None

    def give_up(self, why):
        """Its files are downloaded one by one from now on."""
        if not self._is_useless:
            self._is_useless = True
            self._say(
                "the package of {:,} input files cannot be used, so that they are downloaded one by one: {}".format(
                    self._facts["files"], why
                )
            )

    def note_placed(self):
        """One file fewer is to be had from it."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._release()

    def close(self):
        with self._lock:
            self._release()

    def _open(self, file):
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._downloader.make_room([self._facts])
            found = self._downloader.fetch(
                dict(self._facts, uri=self._facts["id"]),
                self._path,
                self._renew,
                is_needed=lambda: not self._downloader.is_cached(file),
            )
            self._members = TarMembers(self._path)
        except NotNeeded:
            return
        except (HttpError, Unreachable, Damaged, NotReadable, OSError) as error:
            self.give_up(error)
            self._discard()
            return
        self._say(
            "package of {:,} input files {}, {}".format(
                len(self._members),
                "found in cache" if found["from_cache"] else "downloaded",
                size_text(found["size"]),
            )
        )

    def _release(self):
        """What it held is in the cache, if anything is to be there."""
        if self._members is not None:
            self._members = None  # whoever reads it just now goes on: the file is open for as long
            self._discard()

    def _discard(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self._downloader.forget(self._facts["sha256"])
