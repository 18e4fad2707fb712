"""What an address gave when it was asked last: checksums and size, and by which words it can be asked whether that has changed.

Every project has a memory of its own of what it has seen, which outlives the cached content: whether an address gave
something else before is the project's business and nobody else's.
"""

import hashlib
import json
import os
import uuid

from peon.cache import UNFINISHED, read_json
from peon.checksums import SHA256


class Addresses:
    def __init__(self, cache, project_id=""):
        self._known = cache.kind("addresses")
        self._seen = cache.kind("seen")
        self._project_id = project_id

    def known(self, key):
        """{"size", "sha256", "validators"} of `cache_key(file)`, and "md5" and "sha1" of some; or None."""
        path = os.path.join(self._known, key)
        found = read_json(path)
        if not isinstance(found, dict) or not all(name in found for name in (SHA256, "size", "validators")):
            return None
        _touch(path)
        return found

    def remember(self, key, measured, validators):
        _write(os.path.join(self._known, key), dict(measured, validators=validators))

    def seen_before(self, uri, measured):
        """What the project saw at `uri` last, when it was something else; from now on it has seen `measured`."""
        path = os.path.join(self._seen, _digest("{} {}".format(self._project_id, uri)))
        before = read_json(path)
        if isinstance(before, dict) and before.get("sha256") == measured["sha256"]:
            _touch(path)
            return None
        _write(path, {name: measured[name] for name in ("size", "sha256")})
        return before if isinstance(before, dict) and before.get("sha256") else None


def cache_key(file):
    """By content where the content is known, by datum, else by address."""
    if file.get("sha256"):
        return "sha256-" + file["sha256"]
    if file.get("datum_id"):
        return "datum-" + file["datum_id"]
    return "url-" + _digest(file["uri"])


def is_immutable(file):
    """A datum never changes; what an address gives can, so that the server is asked each time."""
    return bool(file.get("sha256") or file.get("datum_id"))


def _digest(text):
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _touch(path):
    try:
        os.utime(path, None)
    except OSError:
        pass  # another agent forgot it meanwhile


def _write(path, value):
    unfinished = os.path.join(os.path.dirname(path), UNFINISHED + uuid.uuid4().hex)
    with open(unfinished, "w") as file:
        json.dump(value, file)
    os.rename(unfinished, path)
