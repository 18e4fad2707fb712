"""One file of an input: from the cache when it is the same content, else from its address, checked as it arrives."""

import hashlib
import os
import shutil
import tempfile
import time

from peon.cache import publish, read_about, touch, write_about
from peon.checksums import NAMES, Checksums, difference
from peon.http_client import BLOCK_BYTES, HttpError, Unreachable, shown_url
from peon.job_folder import remove_tree

_PAUSES = (0.2, 0.5, 1, 2, 4)


class Damaged(Exception):
    """What arrived is not what was announced."""


class Downloader:
    """`interrupted` raises when the job is to end."""

    def __init__(self, http, cache, use_cache, interrupted):
        self._http = http
        self._cache = cache
        self._use_cache = use_cache
        self._interrupted = interrupted

    def fetch(self, file, target):
        """Put `file` (as in the job's details) at the path `target`.

        Returns what is known of it: {"size", "md5", "sha1", "sha256", "from_cache"}. Raises HttpError, Unreachable,
        Damaged or OSError.
        """
        folder = self._cache.kind("data")
        entry = os.path.join(folder, cache_key(file))
        about = _whole(entry, file) if self._use_cache else None
        fresh = None if about and _is_immutable(file) else self._download(file, about, folder)
        if fresh is not None:
            try:
                return self._deliver_fresh(file, fresh, entry, target)
            finally:
                remove_tree(fresh.folder)
        touch(entry)
        _link(os.path.join(entry, "content"), target)
        return dict(_measured(about), from_cache=True)

    def _deliver_fresh(self, file, fresh, entry, target):
        self._interrupted()  # the job's folder may be gone
        content = os.path.join(fresh.folder, "content")
        _link(content, target)
        if self._use_cache and (_is_immutable(file) or fresh.validators):
            # Read-only, so that only root can change cached content by accident; changed content is not used again.
            os.chmod(content, 0o444)
            about = dict(fresh.measured, validators=fresh.validators, mtime=os.stat(content).st_mtime)
            write_about(fresh.folder, about)
            remove_tree(entry)
            publish(fresh.folder, entry)
        return dict(fresh.measured, from_cache=False)

    def _download(self, file, about, folder):
        """A `_Fresh`, or None when the server says that the cached content is still the current one."""
        fresh = _Fresh(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            if not self._fill(file, fresh, about):
                remove_tree(fresh.folder)
                return None
            wrong = difference(file, fresh.measured)
            if wrong:
                raise Damaged("what arrived from {} is damaged: {}".format(shown_url(file["url"]), wrong))
            return fresh
        except BaseException:
            remove_tree(fresh.folder)
            raise

    def _fill(self, file, fresh, about):
        """Download with retries, each going on where the last one broke off. False when nothing has changed."""
        with open(os.path.join(fresh.folder, "content"), "wb") as content:
            for pause in _PAUSES + (None,):
                try:
                    return self._fill_once(file, fresh, content, about)
                except (HttpError, Unreachable) as error:
                    if pause is None or (isinstance(error, HttpError) and not error.may_heal):
                        raise
                self._interrupted()
                time.sleep(pause)

    def _fill_once(self, file, fresh, content, about):
        headers = dict(file.get("headers") or {})
        if about and not content.tell():
            headers.update(_conditions(about))
        if content.tell():
            headers["Range"] = "bytes={}-".format(content.tell())
            if fresh.validators.get("ETag"):
                headers["If-Range"] = fresh.validators["ETag"]
        with self._http.request("GET", file["url"], headers) as response:
            if response.status == 304:
                return False
            if response.status != 206 and content.tell():
                fresh.start_again(content)
            fresh.validators = _validators(response.headers)
            start = content.tell()
            for block in iter(lambda: response.read(BLOCK_BYTES), b""):
                self._interrupted()
                content.write(block)
                fresh.checksums.update(block)
            announced = response.headers.get("Content-Length")
            if announced and content.tell() - start < int(announced):
                raise Unreachable("the connection to {} broke".format(shown_url(file["url"])))
        return True


class _Fresh:
    """A download under way."""

    def __init__(self, folder):
        self.folder = folder
        self.checksums = Checksums()
        self.validators = {}

    @property
    def measured(self):
        return dict(self.checksums.values(), size=self.checksums.size)

    def start_again(self, content):
        content.seek(0)
        content.truncate()
        self.checksums = Checksums()


def cache_key(file):
    """By content where the content is known, by datum, else by address."""
    if file.get("sha256"):
        return "sha256-" + file["sha256"]
    if file.get("datum_id"):
        return "datum-" + file["datum_id"]
    return "url-" + hashlib.sha256(file["uri"].encode("utf-8", "replace")).hexdigest()


def _is_immutable(file):
    """A datum never changes; what an address gives can, so that the server is asked each time."""
    return bool(file.get("sha256") or file.get("datum_id"))


def _whole(entry, file):
    """What is known of a cached entry; None when it is not there, was changed, or is something else."""
    about = read_about(entry)
    if about is None:
        return None
    try:
        status = os.stat(os.path.join(entry, "content"))
    except OSError:
        return None
    if (status.st_size, status.st_mtime) != (about["size"], about["mtime"]) or difference(file, about):
        remove_tree(entry)
        return None
    return about


def _measured(about):
    return {name: about[name] for name in ("size",) + NAMES}


def _validators(headers):
    return {name: headers[name] for name in ("ETag", "Last-Modified") if headers.get(name)}


def _conditions(about):
    names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    return {names[name]: value for name, value in about.get("validators", {}).items()}


def _link(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # another file system
