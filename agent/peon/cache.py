"""What one job leaves for the next, bounded in size; the entries unused for longest go first.

An entry is a directory `<kind>/<key>/` with `content` (a file or a directory) and `about.json`, whose "size" is in bytes
and whose modification time says when the entry was last used.
"""

import json
import os

from peon.job_folder import remove_tree

KINDS = ("code", "data", "python")


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
        for kind in KINDS:
            remove_tree(os.path.join(self.directory, kind))

    def trim(self):
        """Remove the entries unused for longest until the rest is within the limit. Returns the bytes removed."""
        entries = sorted(self._entries())
        excess = sum(size for _, size, _ in entries) - self._limit_bytes
        removed = 0
        for _, size, path in entries:
            if removed >= excess:
                break
            remove_tree(path)
            removed += size
        return removed

    def _entries(self):
        for kind in KINDS:
            for path in _folders(os.path.join(self.directory, kind)):
                about = read_about(path)
                if about is not None:
                    yield os.stat(os.path.join(path, "about.json")).st_mtime, about["size"], path


def read_about(entry):
    """What is known of an entry; None when it is not there, or not whole."""
    try:
        with open(os.path.join(entry, "about.json")) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def write_about(entry, about):
    with open(os.path.join(entry, "about.json"), "w") as file:
        json.dump(about, file)


def touch(entry):
    """The entry was used now."""
    try:
        os.utime(os.path.join(entry, "about.json"), None)
    except OSError:
        pass  # another agent removed it meanwhile; its content is linked already


def publish(unfinished, entry):
    """Make a finished entry visible under its key; when another was first, that one stays."""
    try:
        os.rename(unfinished, entry)
    except OSError:
        remove_tree(unfinished)


def size_of_tree(path):
    """Bytes of all files below `path`."""
    total = 0
    for folder, _, names in os.walk(path):
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return total


def _folders(path):
    try:
        return [os.path.join(path, name) for name in os.listdir(path) if not name.startswith(".")]
    except FileNotFoundError:
        return []
