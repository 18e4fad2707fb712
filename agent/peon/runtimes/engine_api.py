"""The Docker Engine's HTTP API over its Unix socket; Podman's service speaks it too."""

import http.client
import json
import socket
import struct
import urllib.parse

_FRAME = struct.Struct(">BxxxL")
_TIMEOUT_SECONDS = 60


class EngineError(Exception):
    """The engine refused, or does not answer."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class EngineApi:
    """Each call has a connection of its own, so that waiting calls do not stand in the way of others."""

    def __init__(self, address):
        self._address = address

    def version(self):
        """{"Version", "ApiVersion", ...}. Raises EngineError when no engine answers."""
        return self._json("GET", "/version", timeout=5)

    def info(self):
        """What the engine can do: {"Runtimes", "DockerRootDir", ...}."""
        return self._json("GET", "/info", timeout=10)

    def image(self, name):
        """What the engine knows of a local image; None when it is not there."""
        try:
            return self._json("GET", "/images/{}/json".format(urllib.parse.quote(name, safe="/:@")))
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def prune_images(self):
        """Remove every image that no container has: (names, bytes)."""
        query = urllib.parse.urlencode({"filters": json.dumps({"dangling": ["false"]})})
        done = self._json("POST", "/images/prune?" + query, timeout=600)
        names = [entry["Untagged"] for entry in done.get("ImagesDeleted") or [] if "Untagged" in entry]
        return names, done.get("SpaceReclaimed") or 0

    def pull(self, name):
        """Progress messages of a pull, one by one. Raises EngineError when the image cannot be had."""
        query = {"fromImage": name}
        if "@" not in name and ":" not in name.rpartition("/")[2]:
            query["tag"] = "latest"
        connection, answer = self._request(
            "POST", "/images/create?" + urllib.parse.urlencode(query), timeout=600
        )
        try:
            for line in answer:
                message = json.loads(line.decode("utf-8"))
                if "error" in message:
                    raise EngineError(message["error"])
                yield message
        except OSError as error:
            raise EngineError("the engine stopped answering: {}".format(error))
        finally:
            connection.close()

    def create_container(self, name, configuration):
        """The id of a new container."""
        return self._json("POST", "/containers/create?name=" + name, configuration)["Id"]

    def attach(self, container):
        """A socket with the container's output as it comes, in frames for `read_frames`."""
        path = "/containers/{}/attach?stream=1&stdout=1&stderr=1".format(container)
        connection, answer = self._request("POST", path, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
        stream = connection.sock
        stream.settimeout(None)
        # What came with the headers may already be output.
        return stream, answer

    def start(self, container):
        self._json("POST", "/containers/{}/start".format(container))

    def wait(self, container):
        """The exit code, when it has ended."""
        return self._json("POST", "/containers/{}/wait".format(container), timeout=None)["StatusCode"]

    def inspect(self, container):
        return self._json("GET", "/containers/{}/json".format(container))

    def stats(self, container):
        """One look at a container's resource use."""
        return self._json("GET", "/containers/{}/stats?stream=false&one-shot=true".format(container))

    def kill(self, container):
        self._json("POST", "/containers/{}/kill?signal=SIGKILL".format(container))

    def execute(self, container, command):
        """Start a further command in a running container; do not wait for it."""
        path = "/containers/{}/exec".format(container)
        identifier = self._json("POST", path, {"Cmd": command, "AttachStdout": False, "AttachStderr": False})[
            "Id"
        ]
        self._json("POST", "/exec/{}/start".format(identifier), {"Detach": True, "Tty": False})

    def remove(self, container):
        """Remove a container, also while it runs."""
        try:
            self._json("DELETE", "/containers/{}?force=true&v=true".format(container))
        except EngineError as error:
            if error.status not in (404, 409):
                raise

    def containers_with_label(self, label):
        """Ids of all containers, running or not, that have `name=value`."""
        query = urllib.parse.urlencode({"all": "true", "filters": json.dumps({"label": [label]})})
        return [container["Id"] for container in self._json("GET", "/containers/json?" + query)]

    def _json(self, method, path, body=None, timeout=_TIMEOUT_SECONDS):
        connection, answer = self._request(method, path, body, timeout=timeout)
        try:
            data = answer.read()
        except OSError as error:
            raise EngineError("the engine stopped answering: {}".format(error))
        finally:
            connection.close()
        return json.loads(data.decode("utf-8")) if data.strip() else None

    def _request(self, method, path, body=None, headers=None, timeout=_TIMEOUT_SECONDS):
        connection = _UnixConnection(self._address, timeout)
        data = None if body is None else json.dumps(body).encode()
        headers = dict(headers or {}, **({"Content-Type": "application/json"} if data else {}))
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise EngineError("{}: {}".format(self._address, error))
        if answer.status >= 400:
            message = _message(answer.read())
            connection.close()
            raise EngineError(message or answer.reason, answer.status)
        return connection, answer


def read_frames(stream, answer):
    """(stream number, bytes) of an attached container until its output ends: 1 is stdout, 2 stderr."""
    while True:
        header = _read(answer, _FRAME.size)
        if header is None:
            return
        number, length = _FRAME.unpack(header)
        data = _read(answer, length)
        if data is None:
            return
        yield number, data


def _read(answer, length):
    """Exactly `length` bytes, or None at the end."""
    data = answer.fp.read(length)
    return data if data is not None and len(data) == length else None


def _message(body):
    try:
        return json.loads(body.decode("utf-8"))["message"]
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, address, timeout):
        super().__init__("localhost", timeout=timeout)
        self._address = address

    def connect(self):
        scheme, _, rest = self._address.partition("://")
        if scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(rest)
        else:
            host, _, port = rest.partition(":")
            self.sock = socket.create_connection((host, int(port or 2375)), self.timeout)
