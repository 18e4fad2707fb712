"""What one job leaves for the next, bounded in size; what was unused for longest goes first.

Several agents may share a cache. Code and packages are directories `<kind>/<key>/` with `content` and `about.json`, whose
"size" is in bytes and whose time of modification says when the entry was used last. Input files are in `data/`, see
`contents.py`; what addresses gave is in `addresses/` and `seen/`, see `addresses.py`.
"""

import fcntl
import json
import os
import time

from peon.job_folder import remove_tree

DATA = "data"
FOLDERS = ("code", "python")
RECORDS = ("addresses", "seen")
UNFINISHED = ".new-"
"""How the names begin of what is not whole yet."""
_ABANDONED_SECONDS = 24 * 3600
_FORGOTTEN_SECONDS = 180 * 24 * 3600
_BEING_READ_SECONDS = (
    600  # an entry is used as long as it takes to copy it, and its last use is when that began
)


class Cache:
    def __init__(self, directory, limit_bytes):
        self.directory = directory
        self._limit_bytes = limit_bytes

    def kind(self, name):
        """The folder of one kind of entries, made when it is not there."""
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        return path

    def clear(self):
        """Remove everything that no other agent works at. What addresses gave once is remembered."""
        for kind in FOLDERS:
            for path in self._folders(kind):
                remove_tree(path)
        for kind in (DATA, "addresses"):
            for found in self._scan(kind):
                if not found.name.startswith(UNFINISHED):
                    _unlink(found.path)
        self._remove_leftovers()

    def trim(self, room_bytes=0):
        """Remove what was unused for longest, until the rest and `room_bytes` are within the limit.

        What a running job uses stays, and counts. Returns the bytes removed.
        """
        self._remove_leftovers()
        total = sum(size for _, size, _, _ in self._entries())
        return self.shed(total + room_bytes - self._limit_bytes)

    def shed(self, excess_bytes):
        """Remove so much of what was unused for longest. Returns the bytes removed."""
        removed = 0
        for _, size, path, is_in_use in sorted(self._entries()):
            if removed >= excess_bytes:
                break
            if not is_in_use:
                _remove(path)
                removed += size
        return removed

    def _entries(self):
        """(used at, bytes, path, whether a job uses it)."""
        now = time.time()
        for found in self._scan(DATA):
            status = _status(found)
            if status is not None and not found.name.startswith(UNFINISHED):
                # A job has it under another name.
                yield status.st_atime, status.st_size, found.path, status.st_nlink > 1
        for kind in FOLDERS:
            for path in self._folders(kind):
                about, used_at = read_about(path), _modified_at(os.path.join(path, "about.json"))
                if about is not None and used_at is not None:
                    yield used_at, about["size"], path, now - used_at < _BEING_READ_SECONDS

    def _remove_leftovers(self):
        """What killed agents had begun, and records that nobody has asked for in half a year."""
        now = time.time()
        for found in self._scan(DATA):
            if found.is_dir(follow_symlinks=False):
                remove_tree(found.path)  # an agent of before there were only files
            elif found.name.startswith(UNFINISHED):
                _unlink_unless_locked(found.path)
        for kind in FOLDERS:
            self._remove_older(kind, now - _ABANDONED_SECONDS, only=UNFINISHED)
        for kind in RECORDS:
            self._remove_older(kind, now - _ABANDONED_SECONDS, only=UNFINISHED)
            self._remove_older(kind, now - _FORGOTTEN_SECONDS)

    def _remove_older(self, kind, moment, only=""):
        for found in self._scan(kind):
            status = _status(found)
            if found.name.startswith(only) and status is not None and status.st_mtime < moment:
                _remove(found.path)

    def _folders(self, kind):
        return [found.path for found in self._scan(kind) if not found.name.startswith(".")]

    def _scan(self, kind):
        try:
            return list(os.scandir(os.path.join(self.directory, kind)))
        except FileNotFoundError:
            return []


def read_about(entry):
    """What is known of an entry; None when it is not there, or not whole."""
    return read_json(os.path.join(entry, "about.json"))


def write_about(entry, about):
    with open(os.path.join(entry, "about.json"), "w") as file:
        json.dump(about, file)


def touch(entry):
    """The entry was used now."""
    try:
        os.utime(os.path.join(entry, "about.json"), None)
    except OSError:
        pass  # another agent removed it meanwhile


def publish(unfinished, entry):
    """Make a finished entry visible under its key; when another was first, that one stays."""
    try:
        os.rename(unfinished, entry)
    except OSError:
        remove_tree(unfinished)


def read_json(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def is_at(descriptor, path):
    """Whether `path` is still the name of the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        remove_tree(path)
    else:
        _unlink(path)


def _unlink(path):
    try:
        os.unlink(path)
    except OSError:
        pass  # another agent was first


def _unlink_unless_locked(path):
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(descriptor, path):
            _unlink(path)
    except OSError:
        pass  # an agent is at it
    finally:
        os.close(descriptor)


def _status(found):
    try:
        return found.stat(follow_symlinks=False)
    except OSError:
        return None


def _modified_at(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None
