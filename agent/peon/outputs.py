"""Puts a job's output files into the store, and reports each once the store has it whole."""

import os
import threading
import time

from peon.background import Background
from peon.checksums import Checksums
from peon.grants import Grants
from peon.http_client import HttpError, Unreachable
from peon.output_files import SIDECAR_SUFFIX, Refused, find, open_inside
from peon.output_metadata import OutputMetadata
from peon.parallel import until_empty
from peon.part_uploads import PartUpload
from peon.protocol import events
from peon.retries import Patience
from peon.sizes import size_text

MOST_AT_ONCE = 32
MOST_LINES = 100
_BLOCK_BYTES = 256 << 10
_MOST_HELPERS = 8  # additional streams of large files, of all files together
_MOST_RENEWALS = 3
_REFUSED = (401, 403)  # what a store says when a signed address has expired
_PAUSES = (0.5, 1, 2, 4, 8)
_GIVE_UP_AFTER_FAILURES = 3  # then the store is unwell, and each further file is tried once


class UploadFailed(Exception):
    """The store would not take a file; the message says which and why."""


class Outputs:
    """`still_wanted` raises JobLost when nobody wants the outputs any more."""

    def __init__(self, folder, api, http, spool, say, still_wanted):
        self._root = folder.host("outputs")
        self._seen_root = folder.seen("outputs")
        self._api = api
        self._http = http
        self._spool = spool
        self._say = say
        self._still_wanted = still_wanted
        self._metadata = OutputMetadata(self._root, say)
        self._live_names = set()
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._helpers = threading.BoundedSemaphore(_MOST_HELPERS)
        self.count = 0
        self.failures = []

    def upload_rest(self):
        """At the job's end: everything that is there. Failures are in `failures`."""
        with self._lock:
            # What failed while the job ran is still there, and is tried again now.
            self.failures = []
            files = find(self._root, self._seen_root, self._say)
            names = {file.name for file in files} | self._live_names
            files = [file for file in files if not self._metadata.describes(file.name, names)]
            self._upload(files)

    def upload_finished(self):
        """While the job runs: files that it made read-only, which are removed once they are stored."""
        with self._lock:
            files = [
                file
                for file in find(self._root, self._seen_root)
                if file.is_read_only and file.source == file.name
            ]
            names = {file.name for file in files} | self._live_names
            files = [file for file in files if not self._metadata.describes(file.name, names)]
            self._upload(files, after=self._remove_live)

    def _upload(self, files, after=lambda file: None):
        grants = Grants(self._api, files, self._still_wanted)
        until_empty(
            lambda pair: self._upload_one(pair[0], pair[1], after),
            grants.take,
            min(MOST_AT_ONCE, len(files)),
            self._still_wanted,
        )

    def _upload_one(self, file, grant, after):
        try:
            measured = self._send(file, grant)
        except (UploadFailed, OSError, Refused) as error:
            problem = "output '{}' could not be stored: {}".format(file.name, error)
            with self._counting:
                self.failures.append(problem)
            if len(self.failures) <= MOST_LINES:
                self._say(problem)
            return
        self._report(file, grant, measured)
        after(file)

    def _report(self, file, grant, measured):
        event = dict(
            measured,
            k=events.OUTPUT,
            datum_id=grant["datum_id"],
            name=file.name,
            file_mtime=file.mtime_us,
            metadata=self._metadata.of(file.name),
        )
        self._spool.add_fact(event)
        with self._counting:
            self.count += 1
            count = self.count
        if count <= MOST_LINES:
            self._say("output '{}' stored, {}".format(file.name, size_text(measured["size"])))
        elif count == MOST_LINES + 1:
            self._say("further output files are not listed")

    def _send(self, file, grant):
        """{"size"} and the checksums of what the store has taken. Raises UploadFailed, OSError or Refused."""
        if "parts" not in grant:
            return self._retry(lambda: self._put(file, grant), lambda: self._renew(grant))
        upload = PartUpload(self._api, self._http, self._retry, self._still_wanted, self._helpers)
        with os.fdopen(open_inside(self._root, file.source), "rb", buffering=0) as source:
            try:
                return upload.send(source, grant)
            except (HttpError, Unreachable) as error:
                raise UploadFailed(str(error))

    def _renew(self, grant):
        grant.update(self._api.renew_upload(grant["datum_id"]))

    def _retry(self, attempt, renew):
        """Repeat a request to the store while that can help. Raises UploadFailed."""
        is_well = len(self.failures) < _GIVE_UP_AFTER_FAILURES
        patience = Patience(_PAUSES if is_well else (), self._still_wanted)
        renewals = _MOST_RENEWALS if is_well else 0
        while True:
            try:
                return attempt()
            except HttpError as error:
                failure = error
            except Unreachable as error:
                failure = error
            if getattr(failure, "status", None) in _REFUSED and renewals:
                renewals -= 1
                renew()  # the address has expired while other files went first
                continue
            try:
                patience.wait(failure)
            except (HttpError, Unreachable) as last:
                raise UploadFailed(str(last))

    def _put(self, file, grant):
        descriptor = open_inside(self._root, file.source)
        with os.fdopen(descriptor, "rb", buffering=0) as source:
            size = os.fstat(descriptor).st_size
            checksums = None

            def blocks():
                # Called again when the first try met a connection that the server had closed.
                nonlocal checksums
                checksums = Checksums()
                source.seek(0)
                return _read_blocks(source, size, checksums)

            headers = dict(grant.get("headers") or {}, **{"Content-Length": str(size)})
            with self._http.request(grant.get("method", "PUT"), grant["url"], headers, blocks) as response:
                response.read()
        if checksums.size != size:
            raise Unreachable("the file changed while it was read")
        return dict(checksums.values(), size=size)

    def _remove_live(self, file):
        self._live_names.add(file.name)
        for name in (file.name, file.name + SIDECAR_SUFFIX):
            try:
                os.unlink(os.path.join(self._root, name))
            except OSError:
                pass


class LiveUploader(Background):
    """Looks for finished files while the job runs; less often when looking takes long."""

    def __init__(self, outputs, on_error):
        super().__init__("live-upload")
        self._outputs = outputs
        self._on_error = on_error
        self._ended = threading.Event()

    def run(self):
        pause = 1.0
        while not self._ended.wait(pause):
            started = time.monotonic()
            try:
                self._outputs.upload_finished()
            except Exception as error:
                # What could not be stored now is still there at the end, and is tried again then.
                self._on_error(error)
            pause = min(30.0, max(1.0, 10 * (time.monotonic() - started)))

    def end(self):
        self._ended.set()
        self.join()


def _read_blocks(source, size, checksums):
    left = size
    while left:
        block = source.read(min(_BLOCK_BYTES, left))
        if not block:
            raise OSError("the file became shorter while it was read")
        checksums.update(block)
        left -= len(block)
        yield block
