"""The project's code: fetched once per snapshot, verified, unpacked, and copied into each job.

Copied, not linked: a job may write into its working directory, and the next job must not find that.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
import time

from peon.cache import publish, read_about, touch, write_about
from peon.errors import JobFailed
from peon.http_client import BLOCK_BYTES, HttpError, Unreachable
from peon.job_folder import remove_tree

_PAUSES = (0.2, 0.5, 1, 2, 4, 8)
_MODE_MASK = 0o755


def place_code(code, target, cache, http, say):
    """Put the snapshot `code` ({"identifier", "url", "sha256", "size"}) into the directory `target`.

    Raises JobFailed when it cannot be had or is not what it should be.
    """
    if code is None:
        say("no repository: the job has no code of its own")
        return
    folder = cache.kind("code")
    entry = os.path.join(folder, code["sha256"])
    if read_about(entry) is None:
        say("downloading code {} ...".format(_short(code["identifier"])))
        _fetch(code, folder, entry, http)
    else:
        touch(entry)
        say("code {} found in cache".format(_short(code["identifier"])))
    _copy_tree(os.path.join(entry, "content"), target)


def _fetch(code, folder, entry, http):
    unfinished = tempfile.mkdtemp(prefix=".new-", dir=folder)
    try:
        archive = os.path.join(unfinished, "archive")
        _download(code, archive, http)
        content = os.path.join(unfinished, "content")
        os.mkdir(content)
        size = unpack(archive, content)
        os.unlink(archive)
        write_about(unfinished, {"size": size})
        publish(unfinished, entry)
    except OSError as error:
        raise JobFailed("The code could not be unpacked: {}".format(error))
    finally:
        remove_tree(unfinished)


def _download(code, path, http):
    for pause in _PAUSES + (None,):
        try:
            _download_once(code, path, http)
            return
        except (HttpError, Unreachable) as error:
            if pause is None or (isinstance(error, HttpError) and not error.may_heal):
                raise JobFailed("The code could not be downloaded: {}".format(error))
            time.sleep(pause)


def _download_once(code, path, http):
    sha256 = hashlib.sha256()
    with http.request("GET", code["url"]) as response, open(path, "wb") as file:
        for block in iter(lambda: response.read(BLOCK_BYTES), b""):
            sha256.update(block)
            file.write(block)
    if sha256.hexdigest() != code["sha256"]:
        raise Unreachable(
            "the archive arrived damaged: its sha256 is {}, expected {}".format(
                sha256.hexdigest(), code["sha256"]
            )
        )


def unpack(archive, target):
    """Unpack a tar.gz into `target`; returns the bytes of its files. Raises JobFailed for an entry that would leave it."""
    size = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                size += _unpack_member(tar, member, target)
    except (tarfile.TarError, EOFError) as error:
        raise JobFailed("The code is not a readable tar.gz archive: {}".format(error))
    return size


def _unpack_member(tar, member, target):
    name = os.path.normpath(member.name)
    if name == ".":
        return 0
    if os.path.isabs(name) or name.split("/")[0] == "..":
        raise JobFailed("The code's archive has an entry outside of it: '{}'.".format(member.name))
    path = os.path.join(target, name)
    if _leaves(target, os.path.dirname(path)):
        raise JobFailed("The code's archive has an entry below a link: '{}'.".format(member.name))
    if member.isdir():
        os.makedirs(path, exist_ok=True)
    elif member.isreg():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tar.extractfile(member) as source, open(path, "wb") as copy:
            shutil.copyfileobj(source, copy)
        os.chmod(path, (member.mode | 0o644) & _MODE_MASK)
        return member.size
    elif member.issym():
        if os.path.isabs(member.linkname) or _leaves(
            target, os.path.join(os.path.dirname(path), member.linkname)
        ):
            raise JobFailed("The code's archive has a link out of it: '{}'.".format(member.name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(member.linkname, path)
    else:
        raise JobFailed(
            "The code's archive has an entry that is no file, directory or link: '{}'.".format(member.name)
        )
    return 0


def _leaves(root, path):
    root = os.path.realpath(root)
    real = os.path.realpath(path)
    return real != root and not real.startswith(root + os.sep)


def _copy_tree(source, target):
    for entry in os.scandir(source):
        copy = os.path.join(target, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), copy)
        elif entry.is_dir(follow_symlinks=False):
            os.mkdir(copy)
            _copy_tree(entry.path, copy)
        else:
            shutil.copyfile(entry.path, copy)
            shutil.copymode(entry.path, copy)


def _short(identifier):
    return identifier[:12]
