"""Finds and opens the files below a job's outputs folder, and never anything outside of it.

The job's user decides what lies there, links included, and a running job can change it at any moment: each file is
opened step by step from the folder down, without following links.
"""

import os
import stat

SIDECAR_SUFFIX = ".metadata.json"
METADATA_LIST = "valohai.metadata.jsonl"
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: opening a named pipe would wait for a writer.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Refused(Exception):
    """Something below the outputs folder is no file of it; the message says what."""


class OutputFile:
    """`name` is relative to the outputs folder, `source` is where its bytes are (another name for a link)."""

    def __init__(self, name, source, status):
        self.name = name
        self.source = source
        self.size = status.st_size
        self.mtime_us = int(status.st_mtime * 1000000)
        self.is_read_only = not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def find(root, seen_root, refuse=lambda message: None):
    """Every `OutputFile` below `root`, in order of name. `refuse` is told of what is none."""
    found = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names) + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            relative = os.path.relpath(os.path.join(folder, name), root)
            try:
                found.append(_look_at(root, seen_root, relative))
            except Refused as refused:
                refuse(str(refused))
            except FileNotFoundError:
                pass  # removed since it was listed
    return found


def open_inside(root, name):
    """A file descriptor of a regular file below `root`. Raises OSError or Refused."""
    parts = name.split("/")
    folder = os.open(root, _FOLDER_FLAGS)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = inner
        descriptor = os.open(parts[-1], _FILE_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("output '{}' is no regular file".format(name))
    return descriptor


def _look_at(root, seen_root, name):
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("output {!r} is not uploaded: its name is not valid UTF-8".format(os.fsencode(name)))
    status = os.lstat(os.path.join(root, name))
    source = name
    if stat.S_ISLNK(status.st_mode):
        source = _link_target(root, seen_root, name)
        status = os.lstat(os.path.join(root, source))
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        what = "a link to {}".format(kind) if source != name else kind
        raise Refused("output '{}' is not uploaded: it is {}".format(name, what))
    return OutputFile(name, source, status)


def _link_target(root, seen_root, name):
    """The file, relative to `root`, that a link inside `root` leads to in the end."""
    for _ in range(16):
        target = os.readlink(os.path.join(root, name))
        if os.path.isabs(target):
            if not target.startswith(seen_root + "/"):
                break
            moved = os.path.relpath(target, seen_root)
        else:
            moved = os.path.normpath(os.path.join(os.path.dirname(name), target))
        if moved == ".." or moved.startswith("../"):
            break
        real_folder = os.path.realpath(os.path.dirname(os.path.join(root, moved)))
        if not (real_folder + "/").startswith(os.path.realpath(root) + "/"):
            break
        name = moved
        if not os.path.islink(os.path.join(root, name)):
            return name
    raise Refused(
        "output '{}' is not uploaded: it is a link that leads out of the outputs folder".format(name)
    )
