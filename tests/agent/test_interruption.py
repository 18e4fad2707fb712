"""A spot machine is taken back: the agent hears it from EC2's metadata service, takes no more jobs, and saves what the running
one has."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

import pytest

from peon.interruption import Interruption
from peon.protocol import keys
from tests.agent.support.fake_platform import AgentProcess, wait_until

MACHINE = "5b0c7e2a-0000-0000-0000-000000000002"
TOKEN = "/latest/api/token"
ACTION = "/latest/meta-data/spot/instance-action"
NOTICE = '{"action": "terminate", "time": "2026-11-29T10:02:00Z"}'
NOTICE_AT = 1795946520.0


class Metadata(ThreadingMixIn, HTTPServer):
    """As IMDSv2 with tokens required: what has no good token is refused."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.notice = None
        self.tokens = 0
        self.asked = []


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self):
        if self.path != TOKEN or not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
            return self._answer(400, "")
        self.server.tokens += 1
        return self._answer(200, f"token-{self.server.tokens}")

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.headers.get("X-aws-ec2-metadata-token") != f"token-{self.server.tokens}":
            return self._answer(401, "")
        if self.path != ACTION or self.server.notice is None:
            return self._answer(404, "not found")
        return self._answer(200, self.server.notice)

    def _answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def metadata():
    server = Metadata()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def watching(metadata, cloud="ec2"):
    return Interruption(cloud, lambda ends_at: None, metadata.url)


def test_it_asks_with_a_token_that_it_uses_again(metadata):
    watch = watching(metadata)
    assert watch.look() is None
    assert watch.look() is None
    assert metadata.tokens == 1
    metadata.notice = NOTICE
    assert watch.look() == NOTICE_AT


def test_a_token_that_counts_no_more_is_replaced(metadata):
    watch = watching(metadata)
    watch.look()
    metadata.tokens += 1
    metadata.notice = NOTICE
    assert watch.look() is None
    assert watch.look() == NOTICE_AT


@pytest.mark.parametrize(
    "said", ["", "[]", "not json", '{"action": "none"}', '{"time": "2026-11-29T10:02:00Z"}']
)
def test_what_is_no_notice_is_none(metadata, said):
    metadata.notice = said
    assert watching(metadata).look() is None


def test_a_notice_with_an_odd_time_counts(metadata):
    metadata.notice = '{"action": "terminate", "time": "soon"}'
    assert 100 < watching(metadata).look() - time.time() < 130


def test_where_nothing_answers_nothing_is_said():
    assert Interruption("ec2", lambda ends_at: None, "http://127.0.0.1:9").look() is None


def said(platform):
    workers = [json.loads(text) for text in platform.redis.hvals(keys.queue_workers("local"))]
    return workers[0] if workers else {}


@pytest.fixture
def agent(own_platform, metadata, tmp_path):
    started = AgentProcess(
        own_platform, tmp_path / "machine", sys.executable,
        PEON_MACHINE_ID=MACHINE, CLOUD="ec2", CLOUD_METADATA_URL=metadata.url,
    ).start()  # fmt: skip
    wait_until(lambda: said(own_platform), 20, "it says hello")
    yield started
    started.stop()


def test_the_running_job_is_stopped_and_its_outputs_are_kept(own_platform, agent, metadata):
    job = own_platform.add_job(
        "trap 'echo interrupted; echo saved > /valohai/outputs/state.txt; exit 0' INT; echo begun; while :; do sleep 0.2; done"
    )
    job.wait_for_line("begun")
    assert "interrupted_at" not in said(own_platform)["facts"]
    metadata.notice = NOTICE
    ended = job.wait(60)
    assert ended["status"] == "stopped"
    assert "takes the machine back at 10:02:00 UTC" in ended["reason"]
    assert job.content("state.txt") == b"saved\n"
    waiting = own_platform.add_job("echo never")
    wait_until(lambda: said(own_platform)["state"] == "draining", 10, "it says that it takes no more")
    assert said(own_platform)["facts"]["interrupted_at"] == NOTICE_AT
    time.sleep(3)
    assert waiting.status == "queued"
    bell = own_platform.redis.zrange(keys.queue_bell("local"), 0, -1)
    assert bell == [waiting.member.encode()], "it rings for another worker"
    assert agent.process.poll() is None, "it tells of it until the machine is gone"


def test_elsewhere_nobody_is_asked(own_platform, metadata, tmp_path):
    elsewhere = AgentProcess(
        own_platform, tmp_path / "machine", sys.executable, CLOUD="none", CLOUD_METADATA_URL=metadata.url
    ).start()
    wait_until(lambda: said(own_platform), 20, "it says hello")
    time.sleep(1)
    elsewhere.stop()
    assert not metadata.asked
