"""The agent's side of the platform, in one process: a real Redis, the agent API over HTTP, and a store.

The agent under test may run on any Python; this runs in the test.
Ingest is a thread that reads the stream as the server does and acknowledges what it has.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

import redis

from peon.protocol import events, keys, scripts


class RedisServer:
    """A redis-server of its own on a free port; `data` survives a restart when it is saved."""

    def __init__(self, executable, folder):
        self._executable = executable
        self._folder = str(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = None

    def start(self):
        command = [
            self._executable, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        wait_until(lambda: _pings(client), 10, "Redis answers")
        client.close()

    def kill(self):
        self._process.kill()
        self._process.wait()


def _pings(client):
    try:
        return client.ping()
    except redis.exceptions.ConnectionError:
        return False


class FakePlatform:
    """`add_job` puts a job into the queue; `jobs[id]` holds what the agent said of it."""

    def __init__(self, redis_server):
        self.redis_server = redis_server
        self.redis = redis.Redis.from_url(redis_server.url, socket_timeout=5)
        self.jobs = {}
        self.files = {}  # path -> bytes, for downloads
        self.stored = {}  # datum id -> bytes
        self.sizes = {}  # datum id -> size, of uploads in parts
        self.requests = []
        self.workers = []  # as they described themselves with each claim
        self.refuse_uploads = 0  # answer this many PUTs with 507
        self.parts_from = None  # files of this size and above go in parts of half of it
        self.expired_parts = set()  # part numbers whose first address is refused
        self.expired_uploads = 0  # answer this many first addresses of whole files with 403
        self.on_put = lambda: None
        self.is_ingesting = True
        self.is_reachable = True
        self._ended = threading.Event()
        self._lock = threading.Lock()
        platform = self

        class Handler(_Handler):
            pass

        Handler.platform = platform
        self._http = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._ingest = threading.Thread(target=self._ingest_loop, daemon=True)
        self._ingest.start()

    def close(self):
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._ingest.join()

    def add_job(self, command, **changes):
        """Queue a job; returns its `FakeJob`. `code` is {name: text}."""
        job = FakeJob(self, command, changes)
        self.jobs[job.id] = job
        self._enqueue(job)
        return job

    def _enqueue(self, job):
        queue = "local"
        names = [
            keys.queue(queue),
            keys.queue_tokens(queue),
            keys.queue_wake(queue),
            keys.queue_bell(queue),
        ]
        self.redis.register_script(scripts.ENQUEUE)(
            keys=names, args=[job.member, "token-" + job.id, 0, len(self.jobs)]
        )

    def serve(self, path, content):
        """A URL that answers with `content`."""
        self.files[path] = content
        return self.url + path

    def is_expired(self, name):
        if "-part-" in name:
            return int(name.rpartition("-")[2]) in self.expired_parts
        with self._lock:
            self.expired_uploads -= 1
            return self.expired_uploads >= 0

    def _ingest_loop(self):
        while not self._ended.wait(0.01):
            if not self.is_ingesting:
                continue
            try:
                for job in list(self.jobs.values()):
                    job.fold(self.redis)
            except (redis.exceptions.RedisError, OSError):
                time.sleep(0.05)


class FakeJob:
    def __init__(self, platform, command, changes):
        self.id = str(uuid.uuid4())
        self.epoch = changes.pop("epoch", 1)
        self.member = f"{self.id}:{self.epoch}"
        self.status = "queued"
        self.worker = None
        self.next_seq = 0
        self.line_count = 0
        self.segments = []
        self.status_detail = None
        self.started_at = None
        self.fresh_inputs = None  # what is answered to those who ask for fresh addresses
        self._entry = "0"
        self._platform = platform
        self.pages = changes.pop("pages", None)  # cursor -> a page of files, or (status, body)
        # The same for who asks for each file by itself.
        self.single_pages = changes.pop("single_pages", self.pages)
        code = changes.pop("code", None)
        limits = changes.pop("limits", {})
        self.details = {
            "execution_id": self.id, "epoch": self.epoch, "counter": 1, "project_id": str(uuid.uuid4()),
            "project_name": "alice/tests", "title": "", "step": "train", "image": "", "command": command,
            "environment_variables": dict(
                {"VH_JOB_ID": "exec-" + self.id, "VH_EXECUTION_ID": self.id}, **changes.pop("variables", {})
            ),
            "code": self._pack(code) if code is not None else None,
            "inputs": changes.pop("inputs", []),
            "config": {"execution": {"valohai.execution-id": self.id}, "parameters": {}, "runtime": {}, "api": {}},
            "limits": dict(
                {"time_limit_seconds": None, "no_output_timeout_seconds": None, "stop_grace_seconds": 2,
                 "log_lines_per_second": 0}, **limits
            ),
            "lease": {"seconds": 5, "heartbeat_seconds": 0.2},
        }  # fmt: skip
        self.details.update(changes)

    def _pack(self, code):
        archive = code if isinstance(code, bytes) else packed(code)
        digest = hashlib.sha256(archive).hexdigest()
        url = self._platform.serve("/code/" + digest, archive)
        return {"identifier": digest[:40], "url": url, "sha256": digest, "size": len(archive)}

    @property
    def is_final(self):
        return self.status in ("complete", "error", "stopped", "crashed")

    def fold(self, client):
        """Read what is new in the stream, and acknowledge it."""
        for entry, fields in client.xrange(
            keys.events(self.id), min="(" + self._entry if self._entry != "0" else "-"
        ):
            self._entry = entry.decode()
            first, count, line, lines = (int(fields[name]) for name in (b"s", b"n", b"l", b"m"))
            if first < self.next_seq:
                continue
            assert (first, line) == (self.next_seq, self.line_count), "the stream has a gap"
            segments = events.decode_body(fields[b"b"])
            assert sum(events.event_count(s) for s in segments) == count
            assert sum(events.line_count(s) for s in segments) == lines
            self.segments.extend(segments)
            self.next_seq += count
            self.line_count += lines
            client.hset(keys.events_head(self.id), "acked_seq", self.next_seq)
            client.xdel(keys.events(self.id), entry)
            for segment in segments:
                if segment["k"] == "finish":
                    self.status = segment["status"]
        if not client.exists(keys.events(self.id)):
            self._entry = "0"

    def wish(self, word):
        self._platform.redis.set(keys.control(self.id), word)

    def wait(self, seconds=30):
        """Until the job has ended; its finish event."""
        wait_until(
            lambda: self.is_final, seconds, lambda: "the job ends; so far:\n" + "\n".join(self.lines())
        )
        return self.facts("finish")[-1]

    def wait_for_line(self, text, seconds=20):
        wait_until(
            lambda: any(text in line for line in self.lines()),
            seconds,
            lambda: f"line '{text}' in {self.lines()}",
        )

    def lines(self, streams="oes"):
        return [line for s in list(self.segments) if s["k"] in streams for line in s["p"].split("\n")]

    def facts(self, kind):
        return [s for s in list(self.segments) if s["k"] == kind]

    def outputs(self):
        return {fact["name"]: fact for fact in self.facts("output")}

    def content(self, name):
        return self._platform.stored[self.outputs()[name]["datum_id"]]


def packed(files):
    """A tar.gz of {name: text}."""
    buffer = io.BytesIO()
    # Without the time in gzip's header: the same files are the same archive.
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packer,
        tarfile.open(fileobj=packer, mode="w") as tar,
    ):
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            data = text.encode()
            member.size = len(data)
            member.mode = 0o755
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.01)


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet
    disable_nagle_algorithm = True
    platform = None

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._route("GET")

    def do_POST(self):
        self._route("POST")

    def do_PUT(self):
        self._route("PUT")

    def _route(self, method):
        self.platform.requests.append((method, self.path, dict(self.headers)))
        if not self.platform.is_reachable:
            self.close_connection = True
            return
        if self.path.startswith("/api/agent/v1/jobs/"):
            self._agent_api(method)
        elif method == "PUT":
            self._store()
        else:
            self._download()

    def _agent_api(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length).decode() or "{}")
        execution_id, epoch, action = self.path[len("/api/agent/v1/jobs/") :].split("/", 2)
        job = self.platform.jobs.get(execution_id)
        if job is None or self.headers.get("Authorization") != "Job token-" + execution_id:
            return self._answer(401, {"code": "refused"})
        if int(epoch) != job.epoch:
            return self._answer(409, {"code": "stale"})
        return getattr(self, "_" + action.replace("-", "_").replace("/", "_"))(job, body)

    def _claim(self, job, body):
        self.platform.workers.append(body["worker"])
        worker = body["worker"]["identity"]
        if job.status != "queued" and job.worker != worker:
            return self._answer(409, {"code": "stale"})
        job.status, job.worker, job.started_at = "started", worker, time.time()
        self.platform.redis.register_script(scripts.OPEN_EVENTS)(
            keys=[keys.events_head(job.id)], args=[job.epoch, job.next_seq, job.line_count]
        )
        return self._answer(200, job.details)

    def _cursor(self, job, body):
        return self._answer(
            200, {"next_seq": job.next_seq, "next_line": job.line_count, "final": job.is_final}
        )

    def _uploads(self, job, body):
        grants = []
        for file in body["files"]:
            grant = {"datum_id": str(uuid.uuid4()), "name": file["name"]}
            parts_from = self.platform.parts_from
            if body.get("parts") and parts_from and file["size"] >= parts_from:
                grant["parts"] = self._parts(grant["datum_id"], file["size"], parts_from // 2, "old")
                self.platform.sizes[grant["datum_id"]] = file["size"]
            else:
                grant.update(self._grant(grant["datum_id"], "old"))
            grants.append(grant)
        return self._answer(200, {"uploads": grants})

    def _grant(self, datum, age):
        url = f"{self.platform.url}/store/{datum}?{age}"
        return {"datum_id": datum, "method": "PUT", "url": url, "headers": {}}

    def _parts(self, datum, size, part_size, age):
        url = f"{self.platform.url}/store/{datum}"
        return [
            {"number": number, "offset": offset, "size": min(part_size, size - offset), "method": "PUT",
             "url": f"{url}-part-{number}?{age}", "headers": {}}
            for number, offset in enumerate(range(0, size, part_size), 1)
        ]  # fmt: skip

    def _uploads_renew(self, job, body):
        datum = body["datum_id"]
        if datum not in self.platform.sizes:
            return self._answer(200, self._grant(datum, "new"))
        size, half = self.platform.sizes[datum], self.platform.parts_from // 2
        return self._answer(200, {"datum_id": datum, "parts": self._parts(datum, size, half, "new")})

    def _uploads_finish(self, job, body):
        datum, stored = body["datum_id"], self.platform.stored
        names = [f"{datum}-part-{part['number']}" for part in body["parts"]]
        assert [part["etag"] for part in body["parts"]] == ["etag of " + name for name in names]
        stored[datum] = b"".join(stored.pop(name) for name in names)
        return self._answer(200, {})

    def _inputs(self, job, body):
        return self._answer(200, {"inputs": job.fresh_inputs or job.details["inputs"]})

    def _status_detail(self, job, body):
        job.status_detail = body["status_detail"]
        return self._answer(200, {})

    def _inputs_files(self, job, body):
        pages = job.single_pages if body.get("one_by_one") else job.pages
        answer = pages(body["after"])
        return self._answer(*(answer if isinstance(answer, tuple) else (200, answer)))

    def _store(self):
        length = int(self.headers["Content-Length"])
        content = self.rfile.read(length)
        self.platform.on_put()
        if self.platform.refuse_uploads:
            self.platform.refuse_uploads -= 1
            self._answer(507, {"code": "full"})
            return
        name, _, age = self.path.rpartition("/")[2].partition("?")
        if age == "old" and self.platform.is_expired(name):
            self._answer(403, {"code": "expired"})
            return
        self.platform.stored[name] = content
        self._answer(200, {}, ETag=f'"etag of {name}"')

    def _download(self):
        content = self.platform.files.get(self.path.partition("?")[0])
        if callable(content):
            content(self)
            return
        if content is None:
            self._answer(404, {"code": "not_found"})
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


class AgentProcess:
    """A real `peon run`."""

    def __init__(self, platform, folder, python, **environment):
        self.folder = str(folder)
        self._log = os.path.join(self.folder, "agent.log")
        os.makedirs(self.folder, exist_ok=True)
        self.environment = dict(
            {
                "PATH": os.environ.get("PATH", ""), "REDIS_URL": platform.redis_server.url, "APP_URL": platform.url,
                "PEON_DIR": os.path.join(self.folder, "peon"), "RUNTIME": "process", "AGENT_SECRET": "hidden",
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            },
            **environment
        )  # fmt: skip
        self.environment.update((k, v) for k, v in os.environ.items() if k.startswith("PIP_"))
        self._python = python
        self.process = None

    def start(self):
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def command(self):
        return [self._python, "-m", "peon", "run", "--config", "/nonexistent"]

    def log(self):
        with open(self._log, errors="replace") as log:
            return log.read()

    def kill(self):
        """As the kernel's out-of-memory killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=20):
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        shutil.rmtree(os.path.join(self.folder, "peon"), ignore_errors=True)
