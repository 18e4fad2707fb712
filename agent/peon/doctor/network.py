"""Looks at what the machine dials: the application, its clock, its store, and Redis, step by step."""

import email.utils
import socket
import time
import urllib.parse

from peon import redis_client
from peon.doctor.findings import FAILED, OK, SKIPPED, WARNING, Finding
from peon.errors import WorkerRefused
from peon.http_client import HttpClient, HttpError, Unreachable, shown_url
from peon.protocol import keys
from peon.sizes import duration_text
from peon.worker_api import WorkerApi

_PATIENCE_SECONDS = 10
_CLOCK_WARNS_SECONDS, _CLOCK_FAILS_SECONDS = 5, 300
_MEND_CLOCK = "Set the machine's clock by NTP, for example `timedatectl set-ntp true`."
_MEND_NAME = "Correct the name in {}, or the machine's DNS (/etc/resolv.conf)."
_MEND_ROUTE = "Is it running, and does a firewall let this machine dial {}?"
_MEND_TRUST = "Name the certificate of the authority that signed it in {}; and look whether the machine's clock is right."


def look_at_platform(settings):
    http = HttpClient(timeout_seconds=_PATIENCE_SECONDS, ca_file=settings.app_ca_file)
    step = _dial("application", settings.app_url, "APP_URL")
    if step is not None:
        yield step
        return
    try:
        with http.request("GET", settings.app_url + "/healthz") as answer:
            answer.read()
            date = answer.headers.get("Date")
    except Unreachable as error:
        remedy = (
            _MEND_TRUST.format("APP_CA_FILE")
            if "certificate" in str(error).lower()
            else _MEND_ROUTE.format(settings.app_url)
        )
        yield Finding(FAILED, "application", str(error), remedy)
        return
    except HttpError as error:
        yield Finding(
            FAILED,
            "application",
            "{}: it is reached, but does not work".format(error),
            "Look at the application's own log.",
        )
        return
    yield Finding(OK, "application", settings.app_url)
    if settings.credential is None:
        yield _clock(email.utils.parsedate_to_datetime(date).timestamp() if date else None)
        yield Finding(SKIPPED, "identity", "the machine is not enrolled")
        return
    for finding in _as_worker(settings, http):
        yield finding


def _as_worker(settings, http):
    began = time.time()
    try:
        answer = WorkerApi(http, settings.app_url, settings.credential).probe()
    except WorkerRefused as refused:
        yield Finding(
            FAILED, "identity", str(refused), "Run the command of the environment's page with a new token."
        )
        return
    except (HttpError, Unreachable) as error:
        yield Finding(FAILED, "identity", str(error), "Look at the application's own log.")
        return
    ended = time.time()
    yield _clock(answer["time"], (began + ended) / 2)
    yield Finding(OK, "identity", "{} for {}".format(answer["identity"], ", ".join(answer["queues"])))
    foreign = sorted(set(settings.queues).difference(answer["queues"]))
    if foreign:
        yield Finding(
            FAILED,
            "queues",
            "QUEUES names {}, for which the machine is not enrolled".format(", ".join(foreign)),
            "Set QUEUES={}.".format(",".join(answer["queues"])),
        )
    if answer.get("store"):
        yield _store(http, answer["store"])


def _clock(theirs, ours=None):
    if theirs is None:
        return Finding(SKIPPED, "clock", "the application does not say what time it is")
    ahead = (time.time() if ours is None else ours) - theirs
    text = "{} {} the application's".format(duration_text(abs(ahead)), "ahead of" if ahead > 0 else "behind")
    if abs(ahead) >= _CLOCK_FAILS_SECONDS:
        return Finding(
            FAILED,
            "clock",
            text + ": signed addresses of files and certificates are refused when clocks differ",
            _MEND_CLOCK,
        )
    if abs(ahead) >= _CLOCK_WARNS_SECONDS:
        return Finding(WARNING, "clock", text, _MEND_CLOCK)
    return Finding(OK, "clock", "agrees with the application's")


def _store(http, address):
    host = urllib.parse.urlsplit(address["url"]).netloc
    try:
        with http.request("GET", address["url"], address.get("headers") or {}) as answer:
            answer.read()
    except (Unreachable, HttpError) as error:
        return Finding(
            FAILED, "store", "{} of the installation's storage: {}".format(shown_url(address["url"]), error),
            "Does a firewall or proxy keep this machine from {}? Code, logs and the default store are there.".format(host),
        )  # fmt: skip
    return Finding(OK, "store", "files of {} can be read".format(host))


def look_at_redis(settings):
    url = settings.redis_url
    step = _dial("Redis", url, "REDIS_URL")
    if step is not None:
        yield step
        return
    redis = redis_client.connect(url, ca_file=settings.redis_ca_file)
    queue = settings.queues[0]
    try:
        redis.ping()
        # What every claim does: a script that reads the queue.
        redis.eval("return redis.call('HGET', KEYS[1], 'doctor')", 1, keys.queue_tokens(queue))
    except redis_client.errors() as error:
        yield _redis_trouble(error, settings, queue)
        return
    finally:
        redis.close()
    yield Finding(OK, "Redis", "{}, queue {}".format(_without_password(url), queue))


def _redis_trouble(error, settings, queue):
    text = str(error)
    where = _without_password(settings.redis_url)
    if "certificate" in text.lower() or "ssl" in text.lower():
        return Finding(
            FAILED, "Redis", "TLS with {}: {}".format(where, text), _MEND_TRUST.format("REDIS_CA_FILE")
        )
    # The last client for CPython 3.6 and the newest one call this differently; Redis's own words do not change.
    if any(
        word in text
        for word in ("WRONGPASS", "invalid username-password", "NOAUTH", "Authentication required")
    ):
        return Finding(
            FAILED,
            "Redis",
            "{} refuses the user or the password: {}".format(where, text),
            "A worker that was revoked has none any more: enrol it anew. After a restart of Redis the platform makes its users "
            "again within a minute.",
        )
    if "NOPERM" in text or "permissions" in text:
        return Finding(
            FAILED,
            "Redis",
            "the user of {} may not serve the queue {}: {}".format(where, queue, text),
            "Set QUEUES to the queue that the machine was enrolled for.",
        )
    return Finding(FAILED, "Redis", "{}: {}".format(where, text), _MEND_ROUTE.format(where))


def _dial(name, url, setting):
    """Finding the host and connecting, apart; None when both work, or when it is a socket of this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "unix":
        return None
    host, port = (
        parts.hostname,
        parts.port or {"https": 443, "redis": 6379, "rediss": 6379}.get(parts.scheme, 80),
    )
    if not host:
        return Finding(FAILED, name, "{} names no host".format(setting), "Correct {}.".format(setting))
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Finding(FAILED, name, "no address for {}: {}".format(host, error), _MEND_NAME.format(setting))
    problem = None
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(_PATIENCE_SECONDS)
            try:
                connection.connect(address)
                return None
            except OSError as error:
                problem = error
    where = "{}:{}".format(host, port)
    return Finding(
        FAILED, name, "{} does not take the connection: {}".format(where, problem), _MEND_ROUTE.format(where)
    )


def _without_password(url):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "unix":
        return "unix://" + parts.path
    return "{}://{}{}".format(parts.scheme, parts.hostname, ":{}".format(parts.port) if parts.port else "")
