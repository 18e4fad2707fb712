"""Real git repositories, and real servers for them on loopback."""

import base64
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer, make_server

YAML = """\
- step:
    name: train
    image: python:3.11
    command: python train.py
"""
_ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
}


class WorkingCopy:
    """A repository that a test changes like a user would."""

    def __init__(self, folder: Path, branch: str = "main") -> None:
        self.folder = folder
        self._clock = 1_700_000_000
        folder.mkdir(parents=True)
        self.git("init", "--quiet", f"--initial-branch={branch}")

    def git(self, *arguments: str, **environment: str) -> str:
        result = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**_ENVIRONMENT, **environment},
            check=True,
            capture_output=True,
        )
        return result.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | bytes | None] | None = None, message: str = "change") -> str:
        """Write (or, for None, remove) files and commit; the commit's identifier. Each commit is a minute later."""
        for name, content in (files or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self._clock += 60
        date = f"{self._clock} +0000"
        self.git("add", "--all")
        self.git(
            "commit", "--quiet", "--allow-empty", "-m", message, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date
        )
        return self.git("rev-parse", "HEAD")


def bare_copy(source: WorkingCopy, target: Path) -> Path:
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(source.folder), str(target)], check=True, env=_ENVIRONMENT
    )
    subprocess.run(["git", "config", "http.receivepack", "true"], check=True, cwd=target, env=_ENVIRONMENT)
    return target


@dataclass
class HttpServer:
    url: str
    requests: list[dict[str, str]]


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()


class _Threads(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def http_server(root: Path, token: str | None = None) -> Iterator[HttpServer]:
    """`git http-backend` behind basic authentication: any user name, the token as password."""
    seen: list[dict[str, str]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "")
        seen.append({"path": environ["PATH_INFO"], "authorization": given})
        if token is not None:
            secret = base64.b64decode(given.removeprefix("Basic ") or b"").decode().partition(":")[2]
            if secret != token:
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b"no"]
        return _backend(root, environ, start_response)

    server = make_server("127.0.0.1", 0, application, server_class=_Threads, handler_class=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield HttpServer(f"http://127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        server.server_close()


def _backend(root: Path, environ: dict[str, Any], start_response: Any) -> list[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": environ["REQUEST_METHOD"],
        "PATH_INFO": environ["PATH_INFO"],
        "QUERY_STRING": environ.get("QUERY_STRING", ""),
        "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(length),
        "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
        "HTTP_GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
        "REMOTE_USER": "tester",
        "REMOTE_ADDR": "127.0.0.1",
    }
    answer = subprocess.run(
        ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
    )
    head, _, content = answer.stdout.partition(b"\r\n\r\n")
    headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
    status = next((value for name, value in headers if name == "Status"), "200 OK")
    start_response(status, [header for header in headers if header[0] != "Status"])
    return [content]


ServerHandler.http_version = "1.1"  # git reuses connections


class SshServer:
    """OpenSSH's server on loopback, for one user, with one authorized key and one host key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        self.new_host_key("ed25519")

    def new_host_key(self, kind: str) -> None:
        for old in self.folder.glob("host*"):
            old.unlink()
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(self.folder / "host")], check=True
        )

    def authorize(self, public_key: str) -> None:
        path = self.folder / "authorized_keys"
        path.write_text(public_key + "\n")
        path.chmod(0o600)

    def url(self, path: Path) -> str:
        user = os.environ.get("USER") or "root"
        return f"ssh://{user}@127.0.0.1:{self.port}{path}"

    def __enter__(self) -> "SshServer":
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n"
            "PermitRootLogin prohibit-password\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"),
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while not _accepts(self.port):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()


def ssh_is_here() -> bool:
    return bool(shutil.which("sshd") or Path("/usr/sbin/sshd").exists()) and os.geteuid() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
