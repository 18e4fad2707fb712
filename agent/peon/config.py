"""What an operator can set: environment variables, over the lines of a configuration file, over defaults."""

import os
import socket
import uuid

DEFAULT_FILE = "/etc/peon.config"
RUNTIMES = ("auto", "docker", "process", "apptainer")
_SWITCHES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message says which one and what to write."""


class Settings:
    """The agent's settings, checked."""

    def __init__(self, values):
        self.redis_url = _required(
            values, "REDIS_URL", "the Redis that holds the queue, such as redis://host:6379/0"
        )
        self.app_url = _required(
            values, "APP_URL", "the address of the platform, such as http://host:8000"
        ).rstrip("/")
        self.queues = [name.strip() for name in values.get("QUEUES", "local").split(",") if name.strip()]
        if not self.queues:
            raise ConfigurationError("QUEUES is empty: name at least one queue, separated by commas.")
        self.runtime = _choice(values, "RUNTIME", RUNTIMES)
        self.directory = os.path.abspath(values.get("PEON_DIR") or _default_directory())
        self.cache_directory = os.path.abspath(
            values.get("CACHE_DIR") or os.path.join(self.directory, "cache")
        )
        self.cache_bytes = size_in_bytes("CACHE_SIZE", values.get("CACHE_SIZE") or "20G")
        self.docker_host = values.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self.poll_seconds = _seconds(values, "POLL_SECONDS", 5)
        self.job_python = values.get("JOB_PYTHON", "")
        self.allows_mounts = _switch(values, "ALLOW_MOUNTS")
        self.machine_id = values.get("PEON_MACHINE_ID", "")
        self.cloud = values.get("CLOUD") or "none"
        self.metadata_url = values.get("CLOUD_METADATA_URL") or None
        self.host = socket.gethostname()
        self.fixed_identity = None
        self._values = values

    def value(self, name):
        """Of a setting that only one part of the agent knows; empty when it is not set."""
        return self._values.get(name) or ""

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
        try:
            with open(self._identity_file()) as known:
                return known.read().strip()
        except FileNotFoundError:
            return None

    def _identity_file(self):
        return os.path.join(self.directory, "identity")


def load(environ, path=DEFAULT_FILE):
    """`Settings` from a mapping of environment variables and the file at `path`, which need not exist."""
    values = _read_file(path)
    values.update((name, value) for name, value in environ.items() if value)
    return Settings(values)


def size_in_bytes(name, text):
    """`20G`, `500M` or plain bytes as a number."""
    number, unit = (text[:-1], text[-1].upper()) if text and text[-1].isalpha() else (text, "")
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, KeyError):
        raise ConfigurationError("{} is '{}': write a size such as 20G or 500M.".format(name, text))


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


def _switch(values, name):
    text = (values.get(name) or "false").strip().lower()
    if text not in _SWITCHES:
        raise ConfigurationError("{} is '{}': write true or false.".format(name, text))
    return _SWITCHES[text]


def _seconds(values, name, usual):
    text = values.get(name) or str(usual)
    if not text.isdigit() or not 1 <= int(text) <= 3600:
        raise ConfigurationError("{} is '{}': write a number of seconds from 1 to 3600.".format(name, text))
    return int(text)


def _default_directory():
    return "/var/lib/peon" if os.geteuid() == 0 else os.path.expanduser("~/.local/share/peon")
