"""What a dispatcher has handed over, a file per member: written before the cluster hears of it, removed when all is told.

With the token in it a dispatcher that starts again, or whose Redis forgot, can still ask the platform about its jobs.
"""

import json
import os


class Journal:
    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._tokens = dict(self._read(name) for name in os.listdir(folder))
        self._tokens.pop(None, None)

    def __len__(self):
        return len(self._tokens)

    def members(self):
        return list(self._tokens)

    def token(self, member):
        """None when it was not written down here."""
        return self._tokens.get(member)

    def add(self, member, token):
        if self._tokens.get(member) == token:
            return
        path = self._path(member)
        # The token is good for this attempt only, and for nobody else to read.
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"member": member, "token": token}, file)
        os.replace(path + ".new", path)
        self._tokens[member] = token

    def remove(self, member):
        if self._tokens.pop(member, None) is not None:
            try:
                os.remove(self._path(member))
            except FileNotFoundError:
                pass

    def _path(self, member):
        return os.path.join(self._folder, member.replace(":", "."))

    def _read(self, name):
        try:
            with open(os.path.join(self._folder, name)) as file:
                entry = json.load(file)
            return entry["member"], entry["token"]
        except (OSError, ValueError, KeyError, TypeError):
            return None, None  # half written when the machine died: nothing was handed over yet
