"""Real services that speak the protocols of the clouds, on loopback, one of each per test session."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "users-data"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Emulator:
    """`settings` opens the store, as a user's configuration would."""

    kind: str
    settings: dict[str, Any]
    wrong_credentials: dict[str, Any] = field(default_factory=dict)


@contextmanager
def s3() -> Iterator[Emulator]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        settings = {
            "bucket": CONTAINER,
            "region": REGION,
            "endpoint_url": endpoint,
            "sts_endpoint_url": endpoint,
            "access_key_id": "testing",
            "secret_access_key": "testing",
        }
        client = boto3.client(
            "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
        )  # fmt: skip
        client.create_bucket(Bucket=CONTAINER, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield Emulator("s3", settings)
    finally:
        server.stop()


@contextmanager
def azure(folder: Path) -> Iterator[Emulator]:
    from azure.storage.blob import BlobServiceClient

    program = needed("azurite-blob")
    port = free_port()
    command = [
        program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder),
        "--skipApiVersionCheck", "--disableTelemetry", "--silent",
    ]  # fmt: skip
    with running(command, folder, lambda: is_open(port)):
        endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
        credential = {"account_name": AZURE_ACCOUNT, "account_key": AZURE_KEY}
        BlobServiceClient(endpoint, credential=credential).create_container(CONTAINER)
        settings = {**credential, "container": CONTAINER, "endpoint_url": endpoint}
        yield Emulator("azure", settings, {"account_key": AZURE_KEY[::-1]})


def azure_by_sas(emulator: Emulator) -> Emulator:
    """The same container, opened by a token instead of the account's key."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    token = generate_container_sas(
        AZURE_ACCOUNT,
        CONTAINER,
        account_key=AZURE_KEY,
        permission=ContainerSasPermissions(
            read=True, add=True, create=True, write=True, delete=True, list=True
        ),
        start=datetime.now(UTC) - timedelta(minutes=5),
        expiry=datetime.now(UTC) + timedelta(hours=5),
    )
    settings = {name: value for name, value in emulator.settings.items() if name != "account_key"}
    forged = (
        token.partition("&sig=")[0] + "&sig=" + AZURE_KEY[:43].replace("+", "A").replace("/", "A") + "%3D"
    )
    return Emulator("azure", {**settings, "sas_token": token}, {"sas_token": forged})


@contextmanager
def google() -> Iterator[Emulator]:
    from gcp_storage_emulator.server import create_server

    port = free_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=CONTAINER)
    server.start()
    try:
        with token_service() as token_uri:
            settings = {
                "bucket": CONTAINER,
                "endpoint_url": f"http://127.0.0.1:{port}",
                "service_account_json": json.dumps(service_account(token_uri)),
            }
            yield Emulator("google", settings)
    finally:
        server.stop()


def service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "tests@tests.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


@contextmanager
def token_service() -> Iterator[str]:
    """Where a service account trades its signed word for an access token."""

    class Tokens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/token"
    finally:
        server.shutdown()


@contextmanager
def swift(folder: Path) -> Iterator[Emulator]:
    """Proxy, account, container and object server of one node, users from the proxy's own file."""
    from swiftclient import Connection

    ports = {name: free_port() for name in ("memcached", "account", "container", "object", "proxy")}
    commands = {
        name: [needed(f"swift-{name}-server"), str(folder / f"{name}.conf")] for name in list(ports)[1:]
    }
    # Where the proxy remembers who is signed in.
    commands["memcached"] = [
        needed("memcached"), "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-u", "nobody", "-m", "8",
    ]  # fmt: skip
    write_swift_files(folder, ports)
    processes = []
    try:
        for name, command in commands.items():
            log = (folder / f"{name}.log").open("wb")
            processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        wait_until(lambda: all(is_open(port) for port in ports.values()), folder)
        auth_url = f"http://127.0.0.1:{ports['proxy']}/auth/v1.0"
        settings = {
            "auth_url": auth_url,
            "auth_version": "1",
            "username": "test:tester",
            "password": "testing",
            "container": CONTAINER,
            "temp_url_key": "temp-url-key",
        }
        connection = Connection(auth_url, "test:tester", "testing", auth_version="1")
        connection.post_account({"X-Account-Meta-Temp-URL-Key": "temp-url-key"})
        connection.put_container(CONTAINER)
        yield Emulator("swift", settings, {"password": "wrong"})
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


def write_swift_files(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    user = "root" if os.getuid() == 0 else os.environ.get("USER", "nobody")
    common = f"swift_dir = {folder}\nbind_ip = 127.0.0.1\nuser = {user}\nworkers = 0\nlog_address = {folder}/none\n"
    for name in ("account", "container", "object"):
        (folder / f"{name}.conf").write_text(
            f"[DEFAULT]\n{common}bind_port = {ports[name]}\ndevices = {folder}/devices\nmount_check = false\n"
            f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
            f"replication_concurrency = 1\nallow_versions = true\n"
        )
        builder = ["swift-ring-builder", str(folder / f"{name}.builder")]
        subprocess.run([*builder, "create", "4", "1", "0"], check=True, capture_output=True)
        device = f"r1z1-127.0.0.1:{ports[name]}/d1"
        subprocess.run([*builder, "add", device, "1"], check=True, capture_output=True)
        subprocess.run([*builder, "rebalance"], check=True, capture_output=True)
    (folder / "proxy.conf").write_text(
        f"[DEFAULT]\n{common}bind_port = {ports['proxy']}\n"
        "[pipeline:main]\npipeline = catch_errors proxy-logging cache listing_formats bulk tempurl tempauth copy slo dlo proxy-logging proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{ports['memcached']}\n"
        + "".join(
            f"[filter:{name}]\nuse = egg:swift#{egg}\n"
            for name, egg in {
                "catch_errors": "catch_errors", "proxy-logging": "proxy_logging",
                "listing_formats": "listing_formats", "bulk": "bulk", "tempurl": "tempurl", "copy": "copy",
                "slo": "slo", "dlo": "dlo",
            }.items()
        )
    )  # fmt: skip


@contextmanager
def running(command: list[str], folder: Path, is_ready: Callable[[], bool]) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(is_ready, folder)
        yield
    finally:
        process.terminate()
        process.wait(10)


def wait_until(is_ready: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not is_ready():
        logs = "".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*log*"))
        assert time.monotonic() < deadline, logs
        time.sleep(0.05)


def needed(program: str) -> str:
    """The path of a program of a real part; where it is missing the test is skipped by name."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed; .ci/run says how")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def send(grant: Any, content: bytes | None = None) -> httpx.Response:
    """Do what a grant allows, as somebody who holds nothing else."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.request(grant.method, grant.url, headers=grant.headers, content=content)
