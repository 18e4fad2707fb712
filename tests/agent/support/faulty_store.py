"""A store on loopback that does what stores and the lines to them do on a bad day.

`faults` are taken one by one, by the requests as they come; without one, the request is answered as it should be.
"""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn


class Fault:
    """What happens to one request. `cut` is the number of bytes of the body after which the connection ends."""

    def __init__(self, *, status=None, headers=None, cut=None, wrong=False, pause=0.0, slow=0.0):
        self.status = status
        self.headers = headers or {}
        self.cut = cut
        self.wrong = wrong  # bytes that are not the file's
        self.pause = pause  # seconds before anything is said
        self.slow = slow  # seconds between pieces


class FaultyStore:
    """`files` are {path: bytes}; `stored` is what was put. An address ends with `?<age>`; those of age `old` may be expired."""

    def __init__(self):
        self.files = {}
        self.stored = {}
        self.faults = []
        self.requests = []  # (method, path, headers)
        self.knows_ranges = True
        self.etags = {}
        self.expired = False
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

        class Handler(_Handler):
            store = self

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self):
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def enter(self):
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def leave(self):
        with self._lock:
            self._at_once -= 1

    def asked(self, method="GET"):
        return [(path, headers) for asked, path, headers in self.requests if asked == method]


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store = None

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._handle(self._get)

    def do_PUT(self):
        self._handle(self._put)

    def _handle(self, answer):
        self.store.requests.append((self.command, self.path, dict(self.headers)))
        fault = self.store.next_fault()
        self.store.enter()
        try:
            time.sleep(fault.pause if fault else 0)
            answer(fault or Fault())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client did not wait
        finally:
            self.store.leave()

    def _get(self, fault):
        path, _, age = self.path.partition("?")
        content = self.store.files.get(path)
        if self.store.expired and age == "old":
            self._say(403)
        elif fault.status:
            self._say(fault.status, fault.headers)
        elif content is None:
            self._say(404)
        else:
            self._send(path, content, fault)

    def _send(self, path, content, fault):
        tag = self.store.etags.get(path)
        headers = {"ETag": tag} if tag else {}
        if tag and self.headers.get("If-None-Match") == tag:
            self._say(304, headers)
            return
        status, start, end = 200, 0, len(content)
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if self.store.knows_ranges:
            headers["Accept-Ranges"] = "bytes"
            if wanted and self.headers.get("If-Range") in (None, tag):
                status, start = 206, int(wanted.group(1))
                end = min(end, int(wanted.group(2) or end) + 1)
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        body = content[start:end]
        self._begin(status, {**headers, "Content-Length": str(len(body))})
        if fault.wrong:
            body = bytes(len(body))
        if fault.cut is not None:
            body, self.close_connection = body[: fault.cut], True
        self._write(body, fault.slow)

    def _write(self, body, slow):
        pieces = max(1, len(body) // 5) if slow else max(1, len(body))
        for start in range(0, len(body), pieces):
            time.sleep(slow)
            self.wfile.write(body[start : start + pieces])

    def _put(self, fault):
        length = int(self.headers["Content-Length"])
        path, _, age = self.path.partition("?")
        if fault.cut is not None:
            self.rfile.read(min(length, fault.cut))
            self.close_connection = True
            return
        content = self.rfile.read(length)
        if len(content) < length:
            self.close_connection = True
        elif self.store.expired and age == "old":
            self._say(403)
        elif fault.status:
            self._say(fault.status, fault.headers)
        else:
            self.store.stored[path] = content
            self._say(200, {"ETag": f'"etag of {path}"'})

    def _say(self, status, headers=None):
        body = b"" if status == 304 else b"said by the store"
        self._begin(status, {**(headers or {}), "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _begin(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
