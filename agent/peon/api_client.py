"""The platform's agent API for one attempt at one execution. `docs/agent-protocol.md` has the shapes."""

import time

from peon.errors import JobLost
from peon.http_client import HttpError, Unreachable
from peon.worker_api import call, code_of, raise_refusal

_PAUSES = (0.1, 0.2, 0.5, 1, 2)
_STORE_PATIENCE_SECONDS = 600


class JobApi:
    """Calls survive a restart of the server: they are tried again for `patience_seconds`."""

    def __init__(self, http, app_url, attempt, patience_seconds=120, give_up=lambda: None):
        self._http = http
        self._base = "{}/api/agent/v1/jobs/{}/{}/".format(app_url, attempt.execution_id, attempt.epoch)
        self._headers = {"Authorization": "Job " + attempt.token}
        self._patience = patience_seconds
        self._give_up = give_up  # raises when there is no use in trying on

    def claim(self, worker, credential=None):
        """The job's details. Raises JobLost when it is not to be had, WorkerRefused when none is for this agent."""
        if credential is not None:
            self._headers["Peon-Worker"] = credential.text
        return self._call("POST", "claim", {"worker": worker})

    def placement(self):
        """What a job that still waits needs. Raises JobLost when it waits no more, or runs under another attempt."""
        return self._call("POST", "placement", {})

    def report(self, state, text):
        """A dispatcher's word on a job: it is `waiting`, `refused` for good, or its machine has `ended`; `exceeded`: because of a limit."""
        self._call("POST", "placement/report", {"state": state, "text": text})

    def cursor(self):
        """{"next_seq", "next_line", "final"}. Raises JobLost when another attempt has taken over."""
        return self._call("GET", "cursor")

    def uploads(self, files):
        """Where to put `[{"name", "size"}]`: a list of {"datum_id", "name", "method", "url", "headers"}.

        Of a large file there are "parts" instead, each with "number", "offset", "size", "method", "url" and "headers".
        """
        return self._call("POST", "uploads", {"files": files, "parts": True})["uploads"]

    def renew_upload(self, datum_id):
        """The same place with fresh addresses."""
        return self._call("POST", "uploads/renew", {"datum_id": datum_id})

    def finish_upload(self, datum_id, parts):
        """Every part of `[{"number", "etag"}]` is in the store."""
        self._call("POST", "uploads/finish", {"datum_id": datum_id, "parts": parts})

    def inputs(self):
        """The job's inputs with fresh addresses."""
        return self._call("POST", "inputs", {})["inputs"]

    def input_files(self, after, one_by_one=False):
        """A page of the inputs' files: {"files", "packages", "left_out", "next"}; `after` is the "next" of the one before.

        With `one_by_one` each file has an address, also one that is in a package. The server asks stores for them: it is asked
        again for longer than usual.
        """
        body = {"after": after, "one_by_one": True} if one_by_one else {"after": after}
        return self._call("POST", "inputs/files", body, _STORE_PATIENCE_SECONDS)

    def _call(self, method, name, body=None, patience_seconds=0):
        deadline = time.monotonic() + max(self._patience, patience_seconds)
        tries = 0
        while True:
            try:
                return self._once(method, name, body)
            except HttpError as error:
                raise_refusal(error)
                if _is_over(error):
                    raise JobLost("the server refuses this attempt: {}".format(error))
                if not error.may_heal or time.monotonic() > deadline:
                    raise
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
            self._give_up()
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def _once(self, method, name, body):
        return call(self._http, method, self._base + name, self._headers, body)


def _is_over(error):
    """Whether the server refuses the attempt, and not only this one call of it: a file may be gone while the job is not."""
    return error.status == 401 or (error.status == 409 and code_of(error) == "stale")
