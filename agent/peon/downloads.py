"""One file of an input: from the cache when it is the same content, else from its address, checked as it arrives."""

import os
import threading

from peon.addresses import Addresses, cache_key, is_immutable
from peon.checksums import NAMES, SHA256, Checksums, difference
from peon.contents import Contents, incoming_beside
from peon.http_client import shown_url
from peon.receiving import Reception, Source

_MOST_HELPERS = 8  # additional streams of large files, of all files together
_ROOM_IS_MADE_FROM_BYTES = 100000000


class Damaged(Exception):
    """What arrived is not what was announced."""


class NotNeeded(Exception):
    """Another job has left what was wanted of the file."""


class Downloader:
    """`interrupted` raises when the job is to end; `changed(file, before, now)` hears of an address that gives
    something else than the project saw there last; both have "size" and "sha256".
    """

    def __init__(
        self, http, cache, use_cache, interrupted, project_id="", changed=lambda file, before, now: None
    ):
        self._http = http
        self._cache = cache
        self._contents = Contents(cache)
        self._addresses = Addresses(cache, project_id)
        self._use_cache = use_cache
        self._interrupted = interrupted
        self._changed = changed
        self._helpers = threading.BoundedSemaphore(_MOST_HELPERS)

    def make_room(self, files):
        """Large files come into a full cache: what was unused for longest goes before they come, not after."""
        missing = sum(file.get("size") or 0 for file in files if not self.is_cached(file))
        if self._use_cache and missing >= _ROOM_IS_MADE_FROM_BYTES:
            self._cache.trim(missing)

    def fetch(self, file, target, renew=None, is_needed=lambda: True):
        """Put `file` (as in the job's details) at the path `target`, whole or not at all.

        `renew(url)` gives the file with a fresh address, or None. `is_needed` is asked when another job was waited for that has
        fetched it as well; NotNeeded is raised when it says no. Returns what is known of it: {"size", "sha256",
        "from_cache"}, and "md5" and "sha1" of some. Raises HttpError, Unreachable, Damaged or OSError.
        """
        _make_folder_of(target)
        source = Source(self._http, file, renew)
        measured = self._through_cache(file, source, target, is_needed) if self._use_cache else None
        if measured is None:
            with incoming_beside(target) as incoming:
                measured, _ = self._receive(file, source, incoming, {})
                incoming.seal()
                incoming.move(target)
        if not is_immutable(file):
            self._look_for_change(file, measured)
        return measured

    def place_cached(self, file, target):
        """As `fetch`, of a file that never changes and is in the cache; else None."""
        self._interrupted()
        _make_folder_of(target)
        return self._from_cache(file, cache_key(file), target) if self._use_cache else None

    def measure(self, file, content):
        """What is known of the file when `content` has arrived for it, and in words what is wrong with that."""
        checksums = Checksums((SHA256,) if file.get(SHA256) else NAMES)
        checksums.update(content)
        measured = dict({name: file[name] for name in NAMES if file.get(name)}, **checksums.values())
        measured["size"] = checksums.size
        return measured, difference(file, measured)

    def share(self, file, measured, path):
        """Others find what is at `path`, sealed, in the cache."""
        if self._use_cache:
            self._contents.share(path, measured[SHA256], self._interrupted)
            if not _is_known(file):
                self._addresses.remember(cache_key(file), _facts(measured), {})

    def forget(self, sha256):
        """It is not needed any more, unless another job uses it."""
        if self._use_cache:
            self._contents.forget(sha256)

    def is_cached(self, file):
        """Whether its content is known, and there."""
        return bool(file.get("sha256")) and self._contents.has(file["sha256"], file.get("size"))

    def _through_cache(self, file, source, target, is_needed):
        """None when the content was removed at the wrong moment."""
        key = cache_key(file)
        found = self._from_cache(file, key, target)
        if found is not None:
            return found
        with self._contents.incoming(key, self._interrupted) as incoming:
            found = self._from_cache(file, key, target)  # another job may have fetched it meanwhile
            if found is not None:
                return found
            if not is_needed():
                raise NotNeeded()
            known = self._known(file, key)
            measured, validators = self._receive(file, source, incoming, self._conditions(file, known))
            self._interrupted()  # the job's folder may be gone
            if measured is None:
                return self._place(known, target)
            if not is_immutable(file) and not validators:
                incoming.seal()
                incoming.move(target)  # nothing can be asked whether it has changed
                return measured
            self._contents.keep(incoming, measured["sha256"])
            if not _is_known(file):
                self._addresses.remember(key, _facts(measured), validators)
            return measured if self._place(measured, target) else None

    def _from_cache(self, file, key, target):
        return self._place(self._known(file, key), target) if is_immutable(file) else None

    def _known(self, file, key):
        """Size, checksums and validators, where anybody knows its SHA-256."""
        if _is_known(file):
            return _facts(file)
        known = self._addresses.known(key)
        return known if known and not difference(file, known) else None

    def _place(self, known, target):
        if known is None or self._contents.place(known["sha256"], known["size"], target) is None:
            return None
        return dict(_facts(known), from_cache=True)

    def _conditions(self, file, known):
        """By which the server is asked whether what is kept is still what it has."""
        if is_immutable(file) or known is None or not self._contents.has(known["sha256"], known["size"]):
            return {}
        names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        return {names[name]: value for name, value in known["validators"].items()}

    def _receive(self, file, source, incoming, conditions):
        """What has arrived and its validators; (None, None) when nothing has changed."""
        reception = Reception(source, incoming.descriptor, file, self._helpers, self._interrupted)
        if not reception.run(conditions):
            return None, None
        wrong = difference(file, self._measured(file, reception))
        if wrong:
            # Once more: it may have been damaged on the way.
            reception.start_again()
            reception.run({})
            wrong = difference(file, self._measured(file, reception))
        if wrong:
            raise Damaged("what arrived from {} is damaged: {}".format(shown_url(source.url), wrong))
        return dict(self._measured(file, reception), from_cache=False), reception.validators

    def _measured(self, file, reception):
        return dict({name: file[name] for name in NAMES if file.get(name)}, **reception.measured())

    def _look_for_change(self, file, measured):
        before = self._addresses.seen_before(file["uri"], measured)
        if before is not None:
            self._changed(file, before, measured)


def _make_folder_of(path):
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)


def _is_known(file):
    return file.get("size") is not None and bool(file.get(SHA256))


def _facts(known):
    return {name: known[name] for name in ("size",) + NAMES if known.get(name) is not None}
