"""Fills an open file from an address: what breaks off goes on where it broke, and a large file comes in several ranges at
the same time where its server can do that.
"""

import os
import threading

from peon.checksums import NAMES, SHA256, Checksums, HashingBeside
from peon.http_client import HttpError, Unreachable, shown_url
from peon.ranges import PAUSES, RANGE_BYTES, Changed, Ranges, block_buffer, total_of, write_at
from peon.retries import Patience

RANGED_FROM_BYTES = 32 << 20
_REFUSED = (401, 403)  # what a store says when a signed address has expired
_MOST_RENEWALS = 3


class Source:
    """The address of a file. `renew(url)` gives the file with a fresh address after `url` was refused, or None."""

    def __init__(self, http, file, renew):
        self._http = http
        self._renew = renew
        self._lock = threading.Lock()
        self._file = file

    @property
    def url(self):
        return self._file["url"]

    def open(self, headers):
        """The response to one request; a refused address is renewed first. Raises HttpError or Unreachable."""
        for renewals in range(_MOST_RENEWALS + 1):
            file = self._file
            try:
                return self._http.request("GET", file["url"], dict(file.get("headers") or {}, **headers))
            except HttpError as error:
                if error.status not in _REFUSED or renewals == _MOST_RENEWALS or not self._renewed(file):
                    raise

    def _renewed(self, refused):
        with self._lock:
            if self._file is not refused:
                return True  # another stream was first
            fresh = self._renew(refused["url"]) if self._renew else None
            if fresh is None:
                return False
            self._file = fresh
            return True


class Reception:
    """One `file` (as in the job's details) on its way into the open file `descriptor`.

    `helpers` bounds the additional streams of all files; `check` raises when the job is to end.
    """

    def __init__(self, source, descriptor, file, helpers, check):
        self.validators = {}
        self._source = source
        self._descriptor = descriptor
        self._size = file.get("size") or 0
        # What is known is checked at the end; by the strongest of it, which says that the others are right as well.
        known = [name for name in NAMES if file.get(name)]
        self._is_known = bool(known)
        self._names = (SHA256,) if SHA256 in known else NAMES
        self._names_of_ranges = (SHA256,) if SHA256 in known else (*known, SHA256)
        self._helpers = helpers
        self._check = check
        self._is_beyond_retries = False
        self._hashes = Checksums(self._names)
        self._found = None

    def start_again(self):
        os.ftruncate(self._descriptor, 0)
        self._hashes = Checksums(self._names)
        self._found = None

    def run(self, conditions):
        """False when the server, asked with `conditions`, says that nothing has changed. Raises HttpError or Unreachable."""
        patience = Patience(PAUSES, self._check)
        while True:
            before = self._hashes.size
            try:
                return self._attempt(conditions)
            except (HttpError, Unreachable) as error:
                if self._is_beyond_retries:
                    raise
                if isinstance(error, Changed):
                    self.start_again()
                elif self._hashes.size > before:
                    patience.progressed()
                patience.wait(error)

    def measured(self):
        """{"size"} and the checksums that were made."""
        return self._found or dict(self._hashes.values(), size=self._hashes.size)

    def _attempt(self, conditions):
        if self._hashes.size and not (self._is_known or self._same()):
            self.start_again()  # nothing could tell whether the rest is of the same content
        position = self._hashes.size
        with self._source.open(self._headers(position, conditions)) as response:
            if response.status == 304:
                return False
            if response.status == 206:
                total = total_of(response, position, self._source.url)
            else:
                if position:
                    self.start_again()
                total = _length(response)
            if not self._hashes.size:
                self.validators = validators_of(response.headers)
                if self._comes_in_ranges(response, total):
                    self._receive_ranges(response, total)
                    return True
            self._receive_stream(response, total)
        return True

    def _headers(self, position, conditions):
        if position:
            return dict(self._same(), Range="bytes={}-".format(position))
        if self._is_known and self._size >= RANGED_FROM_BYTES and not conditions:
            # A server that does not know ranges answers with the whole.
            return {"Range": "bytes=0-{}".format(RANGE_BYTES - 1)}
        return conditions

    def _same(self):
        """By which the server gives a range only of the content that we have begun with."""
        tag = self.validators.get("ETag", "")
        if tag and not tag.startswith("W/"):
            return {"If-Range": tag}
        return {"If-Range": self.validators["Last-Modified"]} if self.validators.get("Last-Modified") else {}

    def _comes_in_ranges(self, response, total):
        if not total or total < RANGED_FROM_BYTES:
            return False
        knows_ranges = response.status == 206 or response.headers.get("Accept-Ranges") == "bytes"
        return knows_ranges and bool(self._is_known or self._same())

    def _receive_stream(self, response, total):
        buffer = block_buffer()
        received = 0
        for count in iter(lambda: response.read_into(buffer), 0):
            self._check()
            write_at(self._descriptor, buffer[:count], self._hashes.size)
            self._hashes.update(buffer[:count])
            received += count
        announced = _length(response)
        if (announced is not None and received < announced) or (total and self._hashes.size < total):
            raise Unreachable("the connection to {} broke".format(shown_url(self._source.url)))

    def _receive_ranges(self, response, total):
        hashing = HashingBeside(self._descriptor, total, 0, self._names_of_ranges)
        ranges = Ranges(self._source, self._descriptor, total, self._same(), hashing.extend, self._check)
        try:
            ranges.receive(response, self._helpers)
            self._found = dict(hashing.values(self._check), size=total)
        except Changed:
            raise
        except BaseException:
            self._is_beyond_retries = True  # each range was tried again for itself
            raise
        finally:
            hashing.stop()


def validators_of(headers):
    return {name: headers[name] for name in ("ETag", "Last-Modified") if headers.get(name)}


def _length(response):
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None
