"""A large output, sent in parts at the same time, while its checksums are made in one pass beside them."""

import os
import threading

from peon.checksums import HashingBeside
from peon.http_client import Unreachable
from peon.parallel import in_parallel

MOST_HELPERS = 3  # beside the thread that has the file
_BLOCK_BYTES = 256 << 10


class FileChanged(Unreachable):
    """The parts and the checksums would be of different contents."""

    def __init__(self):
        super().__init__("the file changed while it was read")


class PartUpload:
    """`retry(attempt, renew)` repeats a request that failed; `check` raises when nobody wants the file any more.

    `helpers` bounds the additional streams of all files.
    """

    def __init__(self, api, http, retry, check, helpers):
        self._api = api
        self._http = http
        self._retry = retry
        self._check = check
        self._helpers = helpers
        self._renewing = threading.Lock()

    def send(self, source, grant):
        """Put the open file where `grant` says; {"size"} and checksums. Raises what `retry` does, FileChanged or OSError."""
        before = _state(source)
        parts = grant["parts"]
        size = sum(part["size"] for part in parts)
        hashing = HashingBeside(source.fileno(), size, size)
        helpers = self._take_helpers(min(MOST_HELPERS, len(parts) - 1))
        try:
            etags = in_parallel(
                lambda part: self._send_part(source, grant, part), parts, 1 + helpers, self._check
            )
            checksums = hashing.values(self._check)
        finally:
            hashing.stop()  # it reads from the descriptor, which the caller is about to close
            for _ in range(helpers):
                self._helpers.release()
        if _state(source) != before or size != before[0]:
            raise FileChanged()
        finished = [{"number": part["number"], "etag": etag} for part, etag in zip(parts, etags)]
        self._api.finish_upload(grant["datum_id"], finished)
        return dict(checksums, size=size)

    def _take_helpers(self, most):
        taken = 0
        while taken < most and self._helpers.acquire(False):
            taken += 1
        return taken

    def _send_part(self, source, grant, part):
        """The `ETag` that the store answered with."""
        tried = None

        def attempt():
            nonlocal tried
            tried = part["url"]
            headers = dict(part.get("headers") or {}, **{"Content-Length": str(part["size"])})
            blocks = lambda: _blocks(source, part["offset"], part["size"])  # noqa: E731
            with self._http.request(part.get("method", "PUT"), tried, headers, blocks) as response:
                response.read()
                return (response.headers.get("ETag") or "").strip('"')

        return self._retry(attempt, lambda: self._renew(grant, part, tried))

    def _renew(self, grant, part, refused_url):
        """The addresses have expired while other parts went first. One thread asks for all."""
        with self._renewing:
            if part["url"] == refused_url:
                for known, fresh in zip(grant["parts"], self._api.renew_upload(grant["datum_id"])["parts"]):
                    known.update(fresh)


def _blocks(source, offset, size):
    end = offset + size
    while offset < end:
        # By the file, not its number: a thread that comes too late must not read what has the number then.
        block = os.pread(source.fileno(), min(_BLOCK_BYTES, end - offset), offset)
        if not block:
            raise FileChanged()
        offset += len(block)
        yield block


def _state(source):
    status = os.fstat(source.fileno())
    return status.st_size, status.st_mtime
