"""What an agent asks of the platform on its own behalf. `docs/agent-protocol.md` has the shapes."""

import json

from peon.errors import EnrolmentRefused, WorkerRefused
from peon.http_client import HttpError

REFUSALS = ("worker_refused", "worker_revoked", "not_enrolled", "identity_taken", "wrong_queue")
CLONED = "worker_cloned"


class WorkerApi:
    def __init__(self, http, app_url, credential):
        self._http = http
        self._base = app_url + "/api/agent/v1/worker/"
        self._headers = {"Authorization": "Worker " + credential.text}

    def hello(self, worker, presence):
        """What the agent should be: {"hello_seconds", "queues", "agent"}. Raises WorkerRefused, HttpError or Unreachable."""
        return self._call("POST", "hello", {"worker": worker, "presence": presence})

    def bye(self, instance):
        self._call("POST", "bye", {"instance": instance})

    def probe(self):
        """{"time", "identity", "queues"}."""
        return self._call("GET", "probe")

    def _call(self, method, name, body=None):
        try:
            return call(self._http, method, self._base + name, self._headers, body)
        except HttpError as error:
            raise_refusal(error)
            raise


def enrol(http, app_url, token, host, agents, queues):
    """{"workers": [{"identity", "secret"}], "queues", "redis_url", "agent"}. Raises EnrolmentRefused in the server's words."""
    body = {"token": token, "host": {"name": host}, "agents": agents, "queues": queues}
    try:
        return call(http, "POST", app_url + "/api/agent/v1/enrol", {}, body)
    except HttpError as error:
        if error.status >= 500:
            raise
        raise EnrolmentRefused(message_of(error))


def call(http, method, url, headers, body=None):
    headers = dict(headers, Accept="application/json")
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    with http.request(method, url, headers, data) as response:
        return json.loads(response.read().decode("utf-8"))


def raise_refusal(error):
    """WorkerRefused when the platform takes the agent for nobody, or for one too many."""
    code = code_of(error)
    if code in REFUSALS or code == CLONED:
        raise WorkerRefused(message_of(error), is_clone=code == CLONED)


def code_of(error):
    return _answer(error).get("code")


def message_of(error):
    """What the platform says is wrong; of a refused field the first thing."""
    answer = _answer(error)
    if answer.get("message"):
        return answer["message"]
    for found in answer.values():
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return found[0].get("message", str(error))
    return str(error)


def _answer(error):
    try:
        answer = json.loads(error.body.decode("utf-8"))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
