"""The agent trusts a private authority for Redis and for the application, and nobody else."""

import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from peon.http_client import HttpClient, Unreachable
from tests.agent.support.fake_platform import AgentProcess, FakePlatform
from tests.agent.test_every_python import find_interpreter
from tests.agent.test_packed import PackedAgent
from tests.support.tls import make_queue_host

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    made = make_queue_host(tmp_path_factory.mktemp("queue-host"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def tls_platform(host):
    platform = FakePlatform(host)
    yield platform
    platform.close()


@pytest.mark.parametrize("version", ["3.6", "own"])
def test_a_job_over_tls(tls_platform, host, tmp_path, version):
    trust = {"REDIS_URL": host.worker_url, "REDIS_CA_FILE": host.authority}
    if version == "own":
        agent = AgentProcess(tls_platform, tmp_path, sys.executable, **trust)
    else:
        interpreter = find_interpreter(version) or pytest.skip(f"no CPython {version} on this machine")
        agent = PackedAgent(tls_platform, tmp_path, interpreter, PYTHONPATH="", **trust)
    agent.start()
    try:
        job = tls_platform.add_job("seq 1000")
        assert job.wait(60)["status"] == "complete", job.lines()
        assert job.lines("o") == [str(number) for number in range(1, 1001)]
    finally:
        print(agent.log())
        agent.stop()


def test_the_doctor_says_whom_to_trust(tls_platform, host, tmp_path):
    tls_platform.serve("/healthz", b"ok")
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PEON_DIR": str(tmp_path), "RUNTIME": "process",
        "APP_URL": tls_platform.url, "REDIS_URL": host.worker_url,
    }  # fmt: skip

    def ask(**more):
        done = subprocess.run(
            [sys.executable, "-m", "peon", "doctor", "--json", "--config", "/nonexistent"],
            env={**environment, **more}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}["Redis"]

    refused = ask()
    assert refused["level"] == "failed"
    assert "REDIS_CA_FILE" in refused["remedy"]
    assert ask(REDIS_CA_FILE=host.authority)["level"] == "ok"


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


def test_an_application_behind_a_private_authority(host):
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.folder / "tls" / "queue.crt", host.folder / "tls" / "queue.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.server_address[1]}/"
    try:
        with HttpClient(ca_file=host.authority).request("GET", url) as answer:
            assert answer.read() == b"ok"
        with pytest.raises(Unreachable, match="certificate"):
            HttpClient().request("GET", url)
    finally:
        server.shutdown()
        server.server_close()
