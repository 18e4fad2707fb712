"""A Redis with TLS, set up as docs/operations/queue-host says; Debian's has it, the embedded one has not."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import redis

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "operations" / "queue-host"
PASSWORD = "a-long-random-text"
REDIS = "/usr/bin/redis-server"
"""Debian's: a virtual environment may have another of that name in the path."""


@dataclass
class QueueHost:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def authority(self) -> str:
        return str(self.folder / "tls" / "authority.crt")

    @property
    def worker_url(self) -> str:
        return f"rediss://:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def url(self) -> str:
        """For clients that read there whom to trust."""
        return f"{self.worker_url}?{urlencode({'ssl_cert_reqs': 'required', 'ssl_ca_certs': self.authority})}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([REDIS, str(self.folder / "redis.conf")], stdout=log, stderr=log)
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        client.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def make_queue_host(folder: Path) -> QueueHost:
    """Started. The recipe's own files, with the paths of a test."""
    if not shutil.which(REDIS):
        pytest.skip("needs a redis-server with TLS (Debian's)")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir()
    subprocess.run(["sh", RECIPE / "certificates.sh", "localhost", "127.0.0.1"], cwd=folder, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "password.conf").write_text(f"requirepass {PASSWORD}\n")
    text = (RECIPE / "redis.conf").read_text()
    for there, here in (
        ("/etc/queue/", f"{folder}/"), ("/var/lib/queue", f"{folder}/data"), ("63790", str(port)), ("bind * -::*", "bind 127.0.0.1"),
    ):  # fmt: skip
        assert there in text
        text = text.replace(there, here)
    (folder / "redis.conf").write_text(text)
    host = QueueHost(folder, port)
    host.start()
    return host
