"""What an operator can set: environment variables, over the lines of a configuration file, over defaults."""

import json
import os
import socket
import uuid

from peon import credential

DEFAULT_FILE = "/etc/peon.config"
RUNTIMES = ("auto", "docker", "process", "apptainer")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message says which one and what to write."""


class Settings:
    """The agent's settings, checked."""

    def __init__(self, values):
        self.directory = directory_of(values)
        self.credential = credential.load(self.directory)
        self.redis_url = self._redis_url(values)
        self.app_url = _required(
            values, "APP_URL", "the address of the platform, such as http://host:8000"
        ).rstrip("/")
        self.queues = queues_of(values, self.credential.queues if self.credential else ["local"])
        if not self.queues:
            raise ConfigurationError("QUEUES is empty: name at least one queue, separated by commas.")
        self.runtime = _choice(values, "RUNTIME", RUNTIMES)
        self.cache_directory = os.path.abspath(
            values.get("CACHE_DIR") or os.path.join(self.directory, "cache")
        )
        self.cache_bytes = size_in_bytes("CACHE_SIZE", values.get("CACHE_SIZE") or "20G")
        self.docker_host = values.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self.poll_seconds = _seconds(values, "POLL_SECONDS", 5)
        self.job_python = values.get("JOB_PYTHON", "")
        self.allows_mounts = boolean(values, "ALLOW_MOUNTS")
        self.machine_id = values.get("PEON_MACHINE_ID", "")
        self.cloud = values.get("CLOUD") or "none"
        self.metadata_url = values.get("CLOUD_METADATA_URL") or None
        self.host = socket.gethostname()
        self.app_ca_file = _readable(values, "APP_CA_FILE")
        self.redis_ca_file = _readable(values, "REDIS_CA_FILE")
        self.disk_free_min = Share("DISK_FREE_MIN", values.get("DISK_FREE_MIN") or "10%")
        self.gpu_index = _gpu_index(values)
        self.programs = values.get("PEON_PROGRAMS") or None
        self.auto_update = boolean(values, "AUTO_UPDATE", default=True)
        self.installation_type = values.get("INSTALLATION_TYPE") or "private-worker"
        self.fixed_identity = None
        self._values = values

    def value(self, name):
        """Of a setting that only one part of the agent knows; empty when it is not set."""
        return self._values.get(name) or ""

    def _redis_url(self, values):
        """An enrolled agent has been told its own, with its own user."""
        if self.credential is not None and self.credential.redis_url:
            return self.credential.redis_url
        return _required(values, "REDIS_URL", "the Redis that holds the queue, such as redis://host:6379/0")

    def identity(self):
        """A name for this worker that stays the same when it starts again with the same directory."""
        name = self.fixed_identity or self.known_identity()
        if name is None:
            name = "{}-{}".format(self.host, uuid.uuid4().hex[:8])
            with open(self._identity_file(), "w") as new:
                new.write(name)
        return name

    def known_identity(self):
        """The name of the worker that has run with the directory, or None."""
        if self.credential is not None:
            return self.credential.identity
        try:
            with open(self._identity_file()) as known:
                return known.read().strip()
        except FileNotFoundError:
            return None

    def _identity_file(self):
        return os.path.join(self.directory, "identity")


class Share:
    """Of a disk: `10%`, or a size such as `50G`."""

    def __init__(self, name, text):
        self._text = text
        self._percent = self._bytes = None
        if not text.endswith("%"):
            self._bytes = size_in_bytes(name, text)
            return
        try:
            self._percent = float(text[:-1])
        except ValueError:
            self._percent = -1
        if not 0 <= self._percent < 100:
            raise ConfigurationError(
                "{} is '{}': write a share such as 10%, or a size such as 50G.".format(name, text)
            )

    def bytes_of(self, total):
        return self._bytes if self._percent is None else int(total * self._percent / 100)

    def __str__(self):
        return self._text


def load(environ, path=DEFAULT_FILE):
    """`Settings` from a mapping of environment variables and the file at `path`, which need not exist."""
    return Settings(read_values(environ, path))


def read_values(environ, path=DEFAULT_FILE):
    """What is set, by name. `PEON_EXTRA_CONFIG` is JSON of further names, over the file and under the environment."""
    values = _read_file(path)
    given = {name: value for name, value in environ.items() if value}
    extra = given.get("PEON_EXTRA_CONFIG") or values.get("PEON_EXTRA_CONFIG")
    values.update(_extra(extra) if extra else {})
    values.update(given)
    return values


def queues_of(values, default):
    if "QUEUES" not in values:
        return default
    return [name.strip() for name in values["QUEUES"].split(",") if name.strip()]


def directory_of(values):
    return os.path.abspath(values.get("PEON_DIR") or _default_directory())


def boolean(values, name, default=False):
    """`true`, `yes`, `on`, `1`, or the opposite."""
    text = (values.get(name) or "").strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if not text:
        return default
    raise ConfigurationError("{} is '{}': write true or false.".format(name, text))


def size_in_bytes(name, text):
    """`20G`, `500M` or plain bytes as a number."""
    number, unit = (text[:-1], text[-1].upper()) if text and text[-1].isalpha() else (text, "")
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        raise ConfigurationError("{} is '{}': write a size such as 20G or 500M.".format(name, text))


def _extra(text):
    try:
        extra = json.loads(text)
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigurationError(
            'PEON_EXTRA_CONFIG is no JSON object: write names and values such as {"ALLOW_MOUNTS": "true"}.'
        )
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in extra.items()}


def _read_file(path):
    try:
        with open(path) as lines:
            pairs = [
                line.strip().partition("=")
                for line in lines
                if "=" in line and not line.lstrip().startswith("#")
            ]
    except FileNotFoundError:
        return {}
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _readable(values, name):
    """The path of a file that can be read, or None where none is named."""
    path = values.get(name)
    if path and not os.access(path, os.R_OK):
        raise ConfigurationError("{} names {}, which this user cannot read.".format(name, path))
    return path or None


def _gpu_index(values):
    """With SINGLE_GPU_PER_PEON the agent called `peon@N` has the GPU N for its jobs, else each job has all of them."""
    if not boolean(values, "SINGLE_GPU_PER_PEON"):
        return None
    text = values.get("PEON_INSTANCE") or "0"
    try:
        index = int(text)
    except ValueError:
        index = -1
    if index < 0:
        raise ConfigurationError(
            "PEON_INSTANCE is '{}': with SINGLE_GPU_PER_PEON it is the number of the agent's GPU, from 0.".format(
                text
            )
        )
    return index


def _required(values, name, what):
    if not values.get(name):
        raise ConfigurationError(
            "{} is not set: give {} in the environment or in {}.".format(name, what, DEFAULT_FILE)
        )
    return values[name]


def _choice(values, name, choices):
    value = values.get(name) or choices[0]
    if value not in choices:
        raise ConfigurationError("{} is '{}': choose one of {}.".format(name, value, ", ".join(choices)))
    return value


def _seconds(values, name, usual):
    text = values.get(name) or str(usual)
    if not text.isdigit() or not 1 <= int(text) <= 3600:
        raise ConfigurationError("{} is '{}': write a number of seconds from 1 to 3600.".format(name, text))
    return int(text)


def _default_directory():
    return "/var/lib/peon" if os.geteuid() == 0 else os.path.expanduser("~/.local/share/peon")
