"""Files by signed address over a real connection, as the installation serves them: large, slow, cut off."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from common.files import presign_get, presign_put
from common.files.requests import incoming_folder

MEGABYTE = 1024 * 1024
ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "valohai_app.asgi:application", "--port", str(port),
        "--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--log-level", "warning",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
        "DATA_DIR": str(settings.DATA_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "WEB_THREADS": "1",
    }
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: is_up(url), 60)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def key() -> Iterator[str]:
    key = f"tests/served-{os.urandom(6).hex()}"
    yield key
    default_storage.delete(key)


@pytest.fixture
def large(key: str) -> str:
    """300 MB that take no room on the disk."""
    path = Path(default_storage.path(key))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(300 * MEGABYTE)
    return key


def raw(url: str) -> tuple[socket.socket, str]:
    parsed = httpx.URL(url)
    return socket.create_connection((parsed.host, parsed.port or 80)), parsed.raw_path.decode()


def waiting() -> list[str]:
    return os.listdir(incoming_folder()) if incoming_folder().exists() else []


def test_large_files_pass_in_little_memory(
    server: tuple[str, psutil.Process], client: httpx.Client, large: str
) -> None:
    url, process = server
    address = presign_get(large, filename="large.bin", base_url=url).url
    before = process.memory_info().rss
    received = highest = 0
    with client.stream("GET", address) as answer:
        assert answer.headers["content-length"] == str(300 * MEGABYTE)
        for index, block in enumerate(answer.iter_raw(MEGABYTE)):
            received += len(block)
            if index % 20 == 0:
                highest = max(highest, process.memory_info().rss)
    assert received == 300 * MEGABYTE
    assert highest - before < 30 * MEGABYTE


def test_large_uploads_pass_in_little_memory(
    server: tuple[str, psutil.Process], client: httpx.Client, key: str
) -> None:
    url, process = server
    before, highest = process.memory_info().rss, 0

    def content() -> Iterator[bytes]:
        nonlocal highest
        for index in range(100):
            yield bytes([index]) * MEGABYTE
            highest = max(highest, process.memory_info().rss)

    headers = {"Content-Length": str(100 * MEGABYTE)}
    answer = client.put(presign_put(key, base_url=url).url, content=content(), headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"size": 100 * MEGABYTE})
    assert default_storage.size(key) == 100 * MEGABYTE
    with default_storage.open(key) as file:
        file.seek(42 * MEGABYTE)
        assert file.read(2) == b"\x2a\x2a"
    assert highest - before < 30 * MEGABYTE


def test_slow_readers_hold_no_thread(
    server: tuple[str, psutil.Process], client: httpx.Client, large: str
) -> None:
    """With one thread for pages, ten downloads that stand still must not keep a page from being served."""
    url, process = server
    address = presign_get(large, filename="large.bin", base_url=url).url
    readers = []
    for _ in range(10):
        connection, path = raw(address)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        readers.append(connection)
    assert client.get(f"{url}/healthz", timeout=5).status_code == 200
    for connection in readers:
        connection.close()
    wait_until(lambda: not any(large in file.path for file in process.open_files()), 10)


def test_ranges_and_head(server: tuple[str, psutil.Process], client: httpx.Client, key: str) -> None:
    url, _ = server
    client.put(presign_put(key, base_url=url).url, content=b"0123456789")
    address = presign_get(key, filename="digits.txt", base_url=url).url
    assert client.get(address).content == b"0123456789"
    assert client.get(address, headers={"Range": "bytes=2-4"}).content == b"234"
    past = client.get(address, headers={"Range": "bytes=10-"})
    assert (past.status_code, past.headers["content-range"]) == (416, "bytes */10")
    head = client.head(address)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "10", b"")
    unchanged = client.get(address, headers={"If-None-Match": head.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert client.get(address).headers["content-disposition"].startswith("attachment")
    assert client.post(address).status_code == 405
    assert client.get(f"{url}/files/forged/x").json()["code"] == "address_invalid"
    assert client.get(f"{url}/files/").status_code == 403


def test_an_upload_that_is_cut_off_leaves_nothing(server: tuple[str, psutil.Process], key: str) -> None:
    url, _ = server
    connection, path = raw(presign_put(key, base_url=url).url)
    connection.sendall(
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 500_000
    )
    wait_until(lambda: waiting() != [], 10)
    connection.close()
    wait_until(lambda: waiting() == [], 10)
    assert not default_storage.exists(key)


def test_an_upload_without_a_length_is_refused(
    server: tuple[str, psutil.Process], client: httpx.Client, key: str
) -> None:
    url, _ = server
    answer = client.put(presign_put(key, base_url=url).url, content=iter([b"chunked"]))
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
    assert not default_storage.exists(key)


def test_a_refusal_arrives_although_the_body_was_not_read(
    server: tuple[str, psutil.Process], client: httpx.Client, key: str
) -> None:
    url, _ = server
    answer = client.put(presign_put(key, base_url=url, size_bytes=5).url, content=b"x" * 20 * MEGABYTE)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert waiting() == []
