"""A large output, sent in parts at the same time, while its checksums are made in one pass beside them."""

import os
import threading

from peon.checksums import Checksums
from peon.http_client import BLOCK_BYTES, Unreachable
from peon.parallel import in_parallel

PARTS_AT_ONCE = 4


class FileChanged(Unreachable):
    """The parts and the checksums would be of different contents."""

    def __init__(self):
        super().__init__("the file changed while it was read")


class PartUpload:
    """`retry(attempt, renew)` repeats a request that failed; `check` raises when nobody wants the file any more."""

    def __init__(self, api, http, retry, check):
        self._api = api
        self._http = http
        self._retry = retry
        self._check = check

    def send(self, descriptor, grant):
        """Put the open file where `grant` says; its checksums. Raises what `retry` does, or FileChanged."""
        before = _state(descriptor)
        parts = grant["parts"]
        hashing = _Hashing(descriptor, sum(part["size"] for part in parts))
        hashing.start()
        try:
            etags = in_parallel(
                lambda part: self._send_part(descriptor, grant, part), parts, PARTS_AT_ONCE, self._check
            )
            checksums = hashing.result(self._check)
        finally:
            hashing.wanted = False
            hashing.join()  # it reads from the descriptor, which the caller is about to close
        if _state(descriptor) != before or checksums.size != before[0]:
            raise FileChanged()
        finished = [{"number": part["number"], "etag": etag} for part, etag in zip(parts, etags)]
        self._api.finish_upload(grant["datum_id"], finished)
        return checksums

    def _send_part(self, descriptor, grant, part):
        """The `ETag` that the store answered with."""

        def attempt():
            headers = dict(part.get("headers") or {}, **{"Content-Length": str(part["size"])})
            blocks = lambda: _blocks(descriptor, part["offset"], part["size"])  # noqa: E731
            with self._http.request(part.get("method", "PUT"), part["url"], headers, blocks) as response:
                response.read()
                return (response.headers.get("ETag") or "").strip('"')

        return self._retry(attempt, lambda: self._renew(grant))

    def _renew(self, grant):
        """The addresses have expired while other parts went first."""
        for part, fresh in zip(grant["parts"], self._api.renew_upload(grant["datum_id"])["parts"]):
            part.update(fresh)


class _Hashing(threading.Thread):
    def __init__(self, descriptor, size):
        super().__init__(name="checksums", daemon=True)
        self.checksums = Checksums()
        self.wanted = True
        self._descriptor = descriptor
        self._size = size
        self._failure = None

    def run(self):
        try:
            for block in _blocks(self._descriptor, 0, self._size):
                if not self.wanted:
                    return
                self.checksums.update(block)
        except OSError as error:
            self._failure = error

    def result(self, check):
        while self.is_alive():
            self.join(0.1)
            check()
        if self._failure is not None:
            raise self._failure
        return self.checksums


def _blocks(descriptor, offset, size):
    end = offset + size
    while offset < end:
        block = os.pread(descriptor, min(BLOCK_BYTES, end - offset), offset)
        if not block:
            raise FileChanged()
        offset += len(block)
        yield block


def _state(descriptor):
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime
