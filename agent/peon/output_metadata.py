"""Properties that a job gives its output files: sidecars `<file>.metadata.json`, and one `valohai.metadata.jsonl`."""

import json
import os
import threading

from peon.output_files import METADATA_LIST, SIDECAR_SUFFIX, Refused, open_inside

_MOST_BYTES = 16 << 20


class OutputMetadata:
    """Read when it is asked for, since a job may write it until its end."""

    def __init__(self, root, say):
        self._root = root
        self._say = say
        self._listed = {}
        self._list_signature = None
        self._list_lock = threading.Lock()  # files are uploaded side by side

    def of(self, name):
        """The properties of the output `name`: those of the list, under those of its sidecar."""
        with self._list_lock:
            self._read_list()
            found = dict(self._listed.get(name, {}))
        sidecar = self._read(name + SIDECAR_SUFFIX)
        if sidecar is not None:
            found.update(self._parsed(sidecar, "'{}'".format(name + SIDECAR_SUFFIX)))
        return found

    def describes(self, name, files):
        """Whether the output `name` only describes others among `files`, so that it is not stored itself."""
        return name == METADATA_LIST or (
            name.endswith(SIDECAR_SUFFIX) and name[: -len(SIDECAR_SUFFIX)] in files
        )

    def _read_list(self):
        try:
            status = os.lstat(os.path.join(self._root, METADATA_LIST))
        except OSError:
            return
        signature = (status.st_size, status.st_mtime, status.st_ino)
        if signature == self._list_signature:
            return
        self._list_signature = signature
        self._listed = {}
        for number, line in enumerate((self._read(METADATA_LIST) or "").splitlines(), 1):
            if line.strip():
                self._add_listed(line, "{} line {}".format(METADATA_LIST, number))

    def _add_listed(self, line, where):
        entry = self._parsed(line, where)
        name, properties = entry.get("file"), entry.get("metadata")
        if isinstance(name, str) and isinstance(properties, dict):
            self._listed.setdefault(os.path.normpath(name), {}).update(properties)
        elif entry:
            self._say('{} is ignored: it needs "file" and "metadata"'.format(where))

    def _parsed(self, text, where):
        try:
            value = json.loads(text)
        except ValueError as error:
            self._say("properties in {} are ignored: {}".format(where, error))
            return {}
        if not isinstance(value, dict):
            self._say("properties in {} are ignored: not a JSON object".format(where))
            return {}
        return value

    def _read(self, name):
        try:
            with os.fdopen(open_inside(self._root, name), "rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except (OSError, Refused):
            return None
        if len(data) > _MOST_BYTES:
            self._say("properties in '{}' are ignored: more than {} bytes".format(name, _MOST_BYTES))
            return None
        return data.decode("utf-8", "replace")
