"""The ranges of one large file, fetched by several threads and written to their places."""

import os
import re
import threading

from peon.http_client import HttpError, Unreachable, shown_url
from peon.retries import Patience

RANGE_BYTES = 8 << 20
MOST_HELPERS = 3  # beside the thread that has asked for the file
PAUSES = (0.2, 0.5, 1, 2, 4)
_BLOCK_BYTES = 256 << 10
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
_buffers = threading.local()


class Changed(Unreachable):
    """The server has another content now than when we began."""

    def __init__(self, url):
        super().__init__("what {} gives has changed while it was downloaded".format(shown_url(url)))


class _Ended(Exception):
    """Another thread has failed, and this one need not go on."""


class Ranges:
    """`same` are headers that make the server refuse to give ranges of another content. `on_arrival` is told how many
    bytes from the start are there.
    """

    def __init__(self, source, descriptor, total, same, on_arrival, check):
        self._source = source
        self._descriptor = descriptor
        self._total = total
        self._same = same
        self._on_arrival = on_arrival
        self._check = check
        self._lock = threading.Lock()
        self._next = 0
        self._arrived = set()
        self._whole_until = 0
        self._failure = None

    def receive(self, response, helpers):
        """`response` gives the first range, and perhaps more than that. Raises the first failure of a range."""
        first, threads = self._take(), []
        while len(threads) < min(MOST_HELPERS, self._total // RANGE_BYTES) and helpers.acquire(False):
            threads.append(threading.Thread(target=self._help, args=(helpers,), name="range", daemon=True))
        for thread in threads:
            thread.start()
        try:
            self._labour(first, response)
        finally:
            for thread in threads:
                self._wait_for(thread)
        if self._failure is not None:
            raise self._failure

    def _wait_for(self, thread):
        """Nobody writes to the file after us; when the job is to end, nobody reads it either."""
        while thread.is_alive():
            thread.join(0.1)
            self._check()

    def _help(self, helpers):
        try:
            self._labour(self._take())
        finally:
            helpers.release()

    def _labour(self, number, response=None):
        # A descriptor of its own: a thread that comes too late must not write to what has the number then.
        descriptor = os.dup(self._descriptor)
        try:
            while number is not None:
                self._receive_one(descriptor, number, response)
                self._note_arrival(number)
                number, response = self._take(), None
        except _Ended:
            pass
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            os.close(descriptor)

    def _take(self):
        with self._lock:
            number = self._next
            if self._failure is not None or number * RANGE_BYTES >= self._total:
                return None
            self._next += 1
            return number

    def _receive_one(self, descriptor, number, response):
        position, end = number * RANGE_BYTES, min(self._total, (number + 1) * RANGE_BYTES)
        patience = Patience(PAUSES, self._look)
        while position < end:
            begun = position
            try:
                response = response or self._ask(position, end)
                with response:
                    for count in self._blocks(response, descriptor, position, end):
                        position += count
                if position < end:
                    raise Unreachable("the connection to {} broke".format(shown_url(self._source.url)))
            except Changed:
                raise
            except (HttpError, Unreachable) as error:
                if position > begun:
                    patience.progressed()
                patience.wait(error)
            response = None

    def _ask(self, position, end):
        response = self._source.open(dict(self._same, Range="bytes={}-{}".format(position, end - 1)))
        if response.status == 206 and total_of(response, position, self._source.url) == self._total:
            return response
        response.close()
        raise Changed(self._source.url)

    def _blocks(self, response, descriptor, position, end):
        """The sizes of blocks, as they are written."""
        buffer = block_buffer()
        while position < end:
            count = response.read_into(buffer[: end - position])
            if not count:
                return
            self._look()
            write_at(descriptor, buffer[:count], position)
            position += count
            yield count

    def _look(self):
        if self._failure is not None:
            raise _Ended
        self._check()

    def _note_arrival(self, number):
        with self._lock:
            self._arrived.add(number)
            while self._whole_until in self._arrived:
                self._arrived.remove(self._whole_until)
                self._whole_until += 1
            self._on_arrival(min(self._total, self._whole_until * RANGE_BYTES))


def total_of(response, position, url):
    """The size of the whole, of a response that begins at `position`. Raises Changed for one that does not."""
    found = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if found is None or int(found.group(1)) != position:
        raise Changed(url)
    return int(found.group(3))


def block_buffer():
    """One for each thread."""
    if not hasattr(_buffers, "block"):
        _buffers.block = memoryview(bytearray(_BLOCK_BYTES))
    return _buffers.block


def write_at(descriptor, block, position):
    while block:
        count = os.pwrite(descriptor, block, position)
        block, position = block[count:], position + count
