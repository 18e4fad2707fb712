"""The checksums that the platform keeps of a file, made in one pass.

SHA-256 is made of every file, the other two of files that come and go in one stream: MD5 alone takes longer than a large
file's way to a store.
"""

import hashlib
import os
import threading

SHA256 = "sha256"
NAMES = ("md5", "sha1", SHA256)
_BLOCK_BYTES = 256 << 10


class Checksums:
    def __init__(self, names=NAMES):
        self._hashes = {name: hashlib.new(name) for name in names}
        self.size = 0

    def update(self, block):
        for one in self._hashes.values():
            one.update(block)
        self.size += len(block)

    def values(self):
        """By name, as hexadecimal text."""
        return {name: one.hexdigest() for name, one in self._hashes.items()}


class HashingBeside:
    """Checksums of an open file, made by threads of their own while it is sent or while it arrives.

    They read what was read or written a moment ago, so that the disk is not asked again. `size` is in bytes; `available`
    of them, from the start, can be read already.
    """

    def __init__(self, descriptor, size, available, names=(SHA256,)):
        self._followers = [_Follower(descriptor, size, available, name) for name in names]
        for follower in self._followers:
            follower.start()

    def extend(self, available):
        for follower in self._followers:
            follower.extend(available)

    def values(self, check):
        """As `Checksums.values`, once all is read; `check` is called while it is waited for. Raises OSError."""
        found = {}
        for follower in self._followers:
            found.update(follower.values(check))
        return found

    def stop(self):
        """Read no more. The descriptor can be closed after it."""
        for follower in self._followers:
            follower.stop()


class _Follower(threading.Thread):
    def __init__(self, descriptor, size, available, name):
        super().__init__(name="checksums", daemon=True)
        self._checksums = Checksums((name,))
        self._descriptor = descriptor
        self._size = size
        self._available = available
        self._wanted = True
        self._failure = None
        self._news = threading.Condition()

    def run(self):
        try:
            while self._checksums.size < self._size:
                with self._news:
                    while self._wanted and self._available <= self._checksums.size:
                        self._news.wait()
                if not self._wanted:
                    return
                self._read_what_is_there()
        except OSError as error:
            self._failure = error

    def _read_what_is_there(self):
        while self._wanted and self._checksums.size < self._available:
            position = self._checksums.size
            count = min(_BLOCK_BYTES, self._available - position)
            block = os.pread(self._descriptor, count, position)
            if not block:
                raise OSError("the file became shorter while it was read")
            self._checksums.update(block)

    def extend(self, available):
        with self._news:
            self._available = available
            self._news.notify()

    def values(self, check):
        while self.is_alive():
            self.join(0.1)
            check()
        if self._failure is not None:
            raise self._failure
        return self._checksums.values()

    def stop(self):
        with self._news:
            self._wanted = False
            self._news.notify()
        self.join()


def difference(expected, found):
    """In words, the first checksum or size in which `found` differs from what is known; None when none does."""
    for name in ("size",) + NAMES:
        if expected.get(name) not in (None, "") and expected[name] != found.get(name):
            return "{} is {}, expected {}".format(name, found.get(name), expected[name])
    return None
