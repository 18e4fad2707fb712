"""Hears from the cloud that it takes this machine back: the notice of a spot machine on EC2, two minutes ahead.

The metadata service is asked by its second version, which wants a token (`HttpTokens: required`); no proxy stands in between.
"""

import calendar
import http.client
import json
import logging
import threading
import time
import urllib.parse

from peon.background import Background

logger = logging.getLogger(__name__)

EC2 = "ec2"
METADATA_URL = "http://169.254.169.254"
INTERVAL_SECONDS = 5
_TIMEOUT_SECONDS = 2
_TOKEN_SECONDS = 3600
_LONGEST_ANSWER = 4096
_DEFAULT_NOTICE_SECONDS = 120


class Interruption(Background):
    """Looks every few seconds; calls `on_notice` once, with the Unix time at which the machine ends."""

    def __init__(self, cloud, on_notice, metadata_url=None):
        super().__init__("interruption")
        self._is_wanted = cloud == EC2
        self._on_notice = on_notice
        address = urllib.parse.urlsplit(metadata_url or METADATA_URL)
        self._host, self._port = address.hostname, address.port or 80
        self._token, self._token_until = "", 0.0
        self._ended = threading.Event()

    def watch(self):
        """Nothing happens elsewhere than on EC2."""
        if self._is_wanted:
            self.start()

    def end(self):
        self._ended.set()

    def run(self):
        while not self._ended.is_set():
            ends_at = self.look()
            if ends_at is not None:
                self._on_notice(ends_at)
                return
            self._ended.wait(INTERVAL_SECONDS)

    def look(self):
        """When the machine ends, or None. A service that does not answer says nothing."""
        try:
            status, text = self._ask("GET", "/latest/meta-data/spot/instance-action", self._headers())
        except (OSError, http.client.HTTPException):
            return None
        if status == 401:
            self._token = ""  # the machine was suspended for longer than the token lasts
        return _end_in(text) if status == 200 else None

    def _headers(self):
        if not self._token or time.monotonic() > self._token_until:
            wanted = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
            status, token = self._ask("PUT", "/latest/api/token", wanted)
            self._token = token if status == 200 else ""
            self._token_until = time.monotonic() + _TOKEN_SECONDS - 60
        return {"X-aws-ec2-metadata-token": self._token} if self._token else {}

    def _ask(self, method, path, headers):
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_LONGEST_ANSWER).decode("utf-8", "replace").strip()
        finally:
            connection.close()


def _end_in(text):
    """Of `{"action": "terminate", "time": "2026-11-29T10:00:00Z"}`. An odd time is no reason to overhear the rest."""
    try:
        notice = json.loads(text)
    except ValueError:
        return None
    if not isinstance(notice, dict) or notice.get("action") not in ("terminate", "stop", "hibernate"):
        return None
    try:
        return float(calendar.timegm(time.strptime(str(notice.get("time")), "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return time.time() + _DEFAULT_NOTICE_SECONDS
