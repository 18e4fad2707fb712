"""Files by their sha256, for all jobs and agents of the host: `<cache>/data/<sha256>`, linked into jobs.

A kept file is *sealed*: nobody may write to it, and its time of modification is a whole second. Whoever changes it all
the same, as root can, breaks the seal, and it is not used again. Its time of access is when it was used last.

All are in one folder: to make a folder for each takes far longer than to write a small file.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import time
import uuid

from peon.cache import DATA, UNFINISHED, is_at

_SECOND_NS = 10**9
_CLONE = 0x40049409  # FICLONE: share the blocks, where the file system can
_LOOK_SECONDS = 0.05


class Contents:
    def __init__(self, cache):
        self._folder = cache.kind(DATA)

    def has(self, sha256, size):
        """Whether the content is there, whole. `size` may be None."""
        return self._status(sha256, size) is not None

    def place(self, sha256, size, target):
        """Link it to the path `target`, and say that it was used now. The size, or None when it is not there."""
        path = self._path(sha256)
        status = self._status(sha256, size)
        if status is None:
            return None
        try:
            link(path, target)
            os.utime(path, ns=(_now_ns(), status.st_mtime_ns))
        except FileNotFoundError:
            return status.st_size if os.path.lexists(target) else None  # another agent removed it meanwhile
        return status.st_size

    def share(self, path, sha256, check):
        """Keep the sealed file at `path` as well, which a job has already."""
        try:
            os.link(path, self._path(sha256))
        except FileExistsError:
            pass  # another job was first
        except OSError:
            with self.incoming("sha256-" + sha256, check) as incoming:
                with open(path, "rb") as source, open(incoming.descriptor, "wb", closefd=False) as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
                self.keep(incoming, sha256)

    def forget(self, sha256):
        """Remove it, unless a job uses it."""
        path = self._path(sha256)
        with contextlib.suppress(OSError):
            if os.stat(path).st_nlink == 1:
                os.unlink(path)

    @contextlib.contextmanager
    def incoming(self, key, check):
        """An empty `Incoming` that only one job of the host fills; others wait for it. It is removed unless it is kept."""
        path = os.path.join(self._folder, UNFINISHED + key)
        incoming = Incoming(path, _locked(path, check))
        with _given_up(incoming):
            if os.fstat(incoming.descriptor).st_size:
                os.ftruncate(incoming.descriptor, 0)  # somebody was killed at it
            yield incoming

    def keep(self, incoming, sha256):
        """Give what has arrived, whole and checked, its place."""
        incoming.seal()
        incoming.move(self._path(sha256))

    def _path(self, sha256):
        return os.path.join(self._folder, sha256)

    def _status(self, sha256, size):
        try:
            status = os.stat(self._path(sha256))
        except FileNotFoundError:
            return None
        if status.st_mtime_ns % _SECOND_NS == 0 and size in (None, status.st_size):
            return status
        with contextlib.suppress(OSError):
            os.unlink(self._path(sha256))
        return None


class Incoming:
    """A file that arrives. Its lock ends with the process."""

    def __init__(self, path, descriptor):
        self.path = path
        self.descriptor = descriptor
        self.is_kept = False

    def seal(self):
        _seal(self.descriptor)

    def move(self, target):
        os.rename(self.path, target)
        self.is_kept = True


def write_sealed(path, content):
    """A new file, of a job alone. Nothing is left of it when that fails, as with a full disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        _seal(descriptor)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def incoming_beside(target):
    """An `Incoming` in the folder of `target`, for one job alone."""
    path = os.path.join(os.path.dirname(target), UNFINISHED + uuid.uuid4().hex)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    incoming = Incoming(path, descriptor)
    with _given_up(incoming):
        yield incoming


@contextlib.contextmanager
def _given_up(incoming):
    try:
        yield
    finally:
        if not incoming.is_kept:
            with contextlib.suppress(OSError):
                os.unlink(incoming.path)
        os.close(incoming.descriptor)


def link(path, target):
    """The file at `path` also at `target`: as the same file, as a clone, or as a copy."""
    try:
        os.link(path, target)
        return
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EEXIST):
            raise
    with open(path, "rb") as source, open(target, "wb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _CLONE, source.fileno())
        except OSError:
            shutil.copyfileobj(source, copy, 1 << 20)
    os.chmod(target, 0o444)


def _seal(descriptor):
    os.fchmod(descriptor, 0o444)
    now = _now_ns()
    os.utime(descriptor, ns=(now, now - now % _SECOND_NS))


def _locked(path, check):
    """The file at `path`, made when it is not there, as the only one who has it open for work."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _lock(descriptor) and is_at(descriptor, path):
            return descriptor
        # Somebody is at it, or has just finished it or given it up.
        os.close(descriptor)
        check()
        time.sleep(_LOOK_SECONDS)


def _lock(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks: two that fetch the same would spoil each other's file, and its checksum tells
    return True


def _now_ns():
    return int(time.time() * 1000) * 10**6  # time.time_ns() came with Python 3.7
