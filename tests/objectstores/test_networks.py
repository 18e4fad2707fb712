"""Clients of stores contact only networks that they may: at every connection, every redirect, whatever a name means by then."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from common.errors import DomainError
from common.network import HostRefused, InternalHosts, resolve_allowed
from common.objectstores import ObjectStore, StoreProblem
from common.objectstores.opening import open_store
from common.objectstores.types import Problem
from common.outgoing import judged
from datastores.inputs import input_files, resolve_input_uri
from tests.support.emulators import Emulator
from tests.support.stores import Emulators

KINDS = [pytest.param(kind, marks=pytest.mark.emulator) for kind in ("s3", "google", "azure", "swift")]
NAMES = {"azure": "devstoreaccount1.blob.example.com", "s3": "s3.example.com"}
INSIDE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@dataclass
class NameServer:
    """What names of example.com mean, one answer after the other; the last one stays."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real = socket.getaddrinfo

        def answer(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
            if host not in self.answers:
                return real(host, port, *arguments, **options)
            self.asked.append(host)
            known = self.answers[host]
            return real(known.pop(0) if len(known) > 1 else known[0], port, *arguments, **options)

        patch.setattr(socket, "getaddrinfo", answer)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, settings: Any) -> NameServer:
    """Only one address of all private ones is allowed."""
    settings.ALLOW_PRIVATE_NETWORK_URLS = False
    settings.ALLOWED_INTERNAL_HOSTS = [f"{INSIDE}/32"]
    server = NameServer()
    server.install(monkeypatch)
    return server


@pytest.fixture
def called_elsewhere() -> Iterator[Callable[[int], list[Any]]]:
    """Listen at the address that is not allowed; who called."""
    listeners: list[socket.socket] = []
    callers: list[Any] = []

    def listen(port: int) -> list[Any]:
        listener = socket.create_server((ELSEWHERE, port))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, caller = listener.accept()
                except OSError:
                    return
                callers.append(caller)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        return callers

    yield listen
    for listener in listeners:
        listener.close()


def by_name(emulator: Emulator) -> tuple[dict[str, Any], str, int]:
    """The emulator's settings with a name instead of its address, and the name and port."""
    key = "auth_url" if emulator.kind == "swift" else "endpoint_url"
    address = urlsplit(emulator.settings[key])
    name = NAMES.get(emulator.kind, f"{emulator.kind}.example.com")
    path = "" if emulator.kind == "azure" else address.path
    assert address.port
    return {**emulator.settings, key: f"http://{name}:{address.port}{path}"}, name, address.port


class TestEveryKindOfStore:
    @pytest.fixture(autouse=True)
    def bucket_in_the_path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The emulator of S3 would take the first word of a host name for a bucket."""
        monkeypatch.setattr("moto.settings.S3_IGNORE_SUBDOMAIN_BUCKETNAME", True)

    @pytest.fixture(params=KINDS)
    def emulator(self, request: pytest.FixtureRequest, all_emulators: Emulators) -> Emulator:
        return all_emulators.get(request.param)

    def opened(self, emulator: Emulator) -> tuple[ObjectStore, str, int]:
        settings, name, port = by_name(emulator)
        return open_store(emulator.kind, settings), name, port

    def test_works_by_name_in_an_allowed_network(self, emulator: Emulator, names: NameServer) -> None:
        names.answers[by_name(emulator)[1]] = [INSIDE]
        store, name, _ = self.opened(emulator)
        store.write("networks/a", b"content")
        assert b"".join(store.read("networks/a")) == b"content"
        assert names.asked.count(name) >= 2  # it is judged again with each connection

    def test_a_name_that_means_something_else_by_then(
        self,
        emulator: Emulator,
        names: NameServer,
        called_elsewhere: Callable[[int], list[Any]],
    ) -> None:
        names.answers[by_name(emulator)[1]] = [INSIDE, ELSEWHERE]
        store, _, port = self.opened(emulator)
        callers = called_elsewhere(port)
        for act in (
            lambda: store.facts("a"),
            lambda: list(store.walk("a")),
            lambda: store.write("a", b"x"),
        ):
            with pytest.raises(HostRefused):
                act()
        assert callers == []


@pytest.mark.emulator
def test_a_name_that_means_nothing_any_more(names: NameServer, all_emulators: Emulators) -> None:
    settings, name, _ = by_name(all_emulators.get("s3"))
    names.answers[name] = [INSIDE, "no-such-host.invalid"]
    with pytest.raises(StoreProblem) as told:
        open_store("s3", settings).facts("a")
    assert told.value.problem is Problem.UNREACHABLE


@pytest.fixture
def redirecting() -> Iterator[Callable[[str], int]]:
    """A server that sends everybody to another address; its port."""
    servers: list[ThreadingHTTPServer] = []

    def serve(target: str) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", target)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                return

        server = ThreadingHTTPServer((INSIDE, 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])

    yield serve
    for server in servers:
        server.shutdown()


class TestRedirects:
    def test_are_judged_like_any_address(
        self,
        names: NameServer,
        redirecting: Callable[[str], int],
        called_elsewhere: Callable[[int], list[Any]],
    ) -> None:
        names.answers = {"front.example.com": [INSIDE], "inside.example.com": [ELSEWHERE]}
        with closing(socket.socket()) as probe:
            probe.bind((ELSEWHERE, 0))
            port = probe.getsockname()[1]
        callers = called_elsewhere(port + 1 if port < 65_000 else port - 1)
        target = f"http://inside.example.com:{port}/"
        with judged(requests.Session()) as session, pytest.raises(HostRefused, match=r"inside\.example\.com"):
            session.get(f"http://front.example.com:{redirecting(target)}/", timeout=5)
        assert callers == []

    def test_of_an_identity_service(self, names: NameServer, redirecting: Callable[[str], int]) -> None:
        names.answers = {"front.example.com": [INSIDE], "inside.example.com": [ELSEWHERE]}
        port = redirecting("http://inside.example.com/")
        settings = {
            "auth_url": f"http://front.example.com:{port}/auth/v1.0", "auth_version": "1", "username": "u",
            "password": "p", "container": "c", "temp_url_key": "k",
        }  # fmt: skip
        with pytest.raises(HostRefused):
            open_store("swift", settings).facts("a")


@pytest.mark.emulator
class TestIdentityServices:
    """Version 3 of OpenStack's: a service that knows one user, before a real object store."""

    @pytest.fixture
    def identity(self, all_emulators: Emulators) -> Iterator[dict[str, Any]]:
        swift = all_emulators.get("swift").settings
        signed_in = requests.get(
            swift["auth_url"],
            headers={"X-Auth-User": swift["username"], "X-Auth-Key": swift["password"]},
            timeout=10,
        ).headers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = f"http://{self.headers['Host']}/v3/"
                version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": url}]}
                self._answer(200, {"version": version})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                user = asked["auth"]["identity"]["password"]["user"]
                if user["password"] != "right":
                    self._answer(401, {"error": {"code": 401, "message": "no"}})
                    return
                endpoint = {
                    "id": "1",
                    "interface": "public",
                    "region": "R1",
                    "region_id": "R1",
                    "url": signed_in["X-Storage-Url"],
                }
                catalog = [{"type": "object-store", "id": "s", "name": "swift", "endpoints": [endpoint]}]
                token = {
                    "methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog,
                    "issued_at": "2020-01-01T00:00:00.000000Z", "user": {"id": "1", "name": "u"},
                }  # fmt: skip
                self._answer(201, {"token": token})

            def _answer(self, status: int, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("X-Subject-Token", signed_in["X-Auth-Token"])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                return

        server = ThreadingHTTPServer((INSIDE, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            **swift,
            "auth_url": f"http://{INSIDE}:{server.server_address[1]}/v3",
            "auth_version": "3",
            "username": "user",
            "password": "right",
            "project_name": "project",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
            "region_name": "R1",
        }
        server.shutdown()

    def test_signing_in(self, identity: dict[str, Any]) -> None:
        store = open_store("swift", identity)
        store.write("networks/identified", b"x")
        assert store.facts("networks/identified") is not None

    def test_a_wrong_password_and_an_unknown_region(self, identity: dict[str, Any]) -> None:
        for change, problem in (
            ({"password": "wrong"}, Problem.CREDENTIALS),
            ({"region_name": "R9"}, Problem.CREDENTIALS),
        ):
            with pytest.raises(StoreProblem) as told:
                open_store("swift", {**identity, **change}).facts("a")
            assert told.value.problem is problem


class TestTheOperatorsList:
    @pytest.mark.parametrize(
        ("allowed", "host", "address"),
        [
            (["minio.corp"], "minio.corp", "10.0.0.5"),
            (["MINIO.corp."], "minio.CORP", "10.0.0.5"),
            (["*.storage.corp"], "a.b.storage.corp", "10.0.0.5"),
            (["10.0.0.0/8"], "minio.corp", "10.0.0.5"),
            (["10.0.0.5"], "minio.corp", "10.0.0.5"),
            (["fd00::/8"], "minio.corp", "fd00::5"),
            (["10.0.0.0/8"], "minio.corp", "::ffff:10.0.0.5"),
            (["::1"], "localhost.corp", "::1"),
        ],
    )
    def test_admits(
        self, allowed: list[str], host: str, address: str, settings: Any, names: NameServer
    ) -> None:
        settings.ALLOWED_INTERNAL_HOSTS = allowed
        names.answers[host] = [address]
        assert resolve_allowed(host, 443) == [address]

    @pytest.mark.parametrize(
        ("allowed", "host", "address"),
        [
            ([], "minio.corp", "10.0.0.5"),
            (["minio.corp"], "other.corp", "10.0.0.5"),
            (["*.storage.corp"], "storage.corp", "10.0.0.5"),
            (["*.storage.corp"], "evilstorage.corp", "10.0.0.5"),
            (["minio.corp"], "minio.corp.evil.example", "10.0.0.5"),
            (["10.0.0.0/24"], "minio.corp", "10.0.1.5"),
            (["10.0.0.0/8"], "minio.corp", "169.254.169.254"),
            (["10.0.0.5"], "minio.corp", "::ffff:10.0.0.6"),
        ],
    )
    def test_refuses(
        self, allowed: list[str], host: str, address: str, settings: Any, names: NameServer
    ) -> None:
        settings.ALLOWED_INTERNAL_HOSTS = allowed
        names.answers[host] = [address]
        with pytest.raises(HostRefused):
            resolve_allowed(host, 443)

    def test_what_is_no_network(self) -> None:
        with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
            InternalHosts.parsed(("10.0.0.0/99",))


@pytest.mark.django_db
class TestInputsOnTheWeb:
    def test_hosts_of_private_networks_are_refused_unless_they_are_listed(
        self, project: Any, names: NameServer
    ) -> None:
        names.answers = {"data.example.com": [ELSEWHERE], "listed.example.com": [INSIDE]}
        for uri in ("http://data.example.com/a", "http://169.254.169.254/latest/", "https://[::1]:9/a"):
            with pytest.raises(HostRefused):
                resolve_input_uri(project, uri)
        for uri in ("http://listed.example.com/a", "https://known-to-workers.invalid/a"):
            assert resolve_input_uri(project, uri) == uri

    def test_they_are_judged_again_when_the_worker_asks(self, project: Any, names: NameServer) -> None:
        names.answers = {"data.example.com": [INSIDE, ELSEWHERE]}
        uri = resolve_input_uri(project, "http://data.example.com/a")
        with pytest.raises(HostRefused):
            input_files(project, uri, "http://x")

    def test_a_port_that_is_none(self, project: Any, names: NameServer) -> None:
        with pytest.raises(DomainError, match="cannot be used as an input"):
            resolve_input_uri(project, "http://example.com:99999/a")
