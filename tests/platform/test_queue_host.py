"""The recipe of a queue on a host of its own, with a real Redis that speaks TLS only."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import yaml
from django_redis.cache import RedisCache
from kombu import Connection

from tests.support.tls import PASSWORD, RECIPE, QueueHost, make_queue_host
from valohai_app.settings import trusting

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueHost]:
    made = make_queue_host(tmp_path_factory.mktemp("queue-host"))
    yield made
    made.kill()


def test_what_the_settings_make_of_it_is_trusted(host: QueueHost) -> None:
    assert trusting(host.worker_url, host.authority) == host.url
    assert trusting("redis://plain/0", host.authority) == "redis://plain/0"
    assert redis.Redis.from_url(host.url).ping()


def test_the_cache_and_the_broker_of_background_work_trust_it_too(host: QueueHost) -> None:
    cache = RedisCache(host.url, {})
    cache.set("x", 1)
    assert cache.get("x") == 1
    with Connection(host.url, transport_options={"global_keyprefix": "vh:celery:"}) as broker:
        broker.ensure_connection(max_retries=1, timeout=10)
        queue = broker.SimpleQueue("work")
        queue.put({"task": 1})
        assert queue.get(timeout=5).payload == {"task": 1}
        queue.close()


def test_nobody_is_let_in_without_trust_or_password(host: QueueHost) -> None:
    with pytest.raises(redis.ConnectionError, match="certificate"):
        redis.Redis.from_url(host.worker_url).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(host.url.replace(f":{PASSWORD}@", "")).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(f"redis://:{PASSWORD}@127.0.0.1:{host.port}").ping()


def test_a_certificate_of_another_name_is_not_trusted(host: QueueHost) -> None:
    own, other = host.folder / "tls", host.folder / "other"
    other.mkdir()
    subprocess.run(["sh", RECIPE / "certificates.sh", "elsewhere.example.com"], cwd=other, check=True)
    admin = redis.Redis.from_url(host.url)
    foreign = f"tls-cert-file {other}/tls/queue.crt tls-key-file {other}/tls/queue.key"
    admin.execute_command("CONFIG", "SET", *foreign.split())
    trusts_it = host.url.replace(str(own).replace("/", "%2F"), str(other / "tls").replace("/", "%2F"))
    try:
        with pytest.raises(redis.ConnectionError, match=r"(?i)hostname|address"):
            redis.Redis.from_url(trusts_it).ping()
    finally:
        admin.execute_command("CONFIG", "SET", *foreign.replace(str(other / "tls"), str(own)).split())


def test_what_was_queued_survives_a_kill(tmp_path: Path) -> None:
    host = make_queue_host(tmp_path / "host")
    try:
        client = redis.Redis.from_url(host.url)
        client.zadd("vh:queue:local", {"job": 1})
        client.config_set("appendfsync", "always")
        client.zadd("vh:queue:local", {"second": 2})
        host.kill()
        host.start()
        assert redis.Redis.from_url(host.url).zrange("vh:queue:local", 0, -1) == [b"job", b"second"]
    finally:
        host.kill()


def test_a_backup_is_one_file_that_a_redis_starts_with(host: QueueHost, tmp_path: Path) -> None:
    redis.Redis.from_url(host.url).set("kept", "yes")
    command = [
        "/usr/bin/redis-cli",
        "--tls",
        "--cacert",
        host.authority,
        "-p",
        str(host.port),
        "--no-auth-warning",
        "-a",
        PASSWORD,
    ]
    subprocess.run([*command, "--rdb", str(tmp_path / "dump.rdb")], check=True, capture_output=True)
    checked = subprocess.run(
        ["/usr/bin/redis-check-rdb", str(tmp_path / "dump.rdb")], capture_output=True, text=True, check=False
    )
    assert "RDB looks OK" in checked.stdout


def test_the_unit_is_one_that_systemd_takes() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(RECIPE / "queue.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "queue.service" not in checked.stderr, checked.stderr


def test_the_compose_file_mounts_what_the_configuration_names() -> None:
    service = yaml.safe_load((RECIPE / "docker-compose.yml").read_text())["services"]["queue"]
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    named = {
        word.rstrip("/")
        for line in (RECIPE / "redis.conf").read_text().splitlines() if not line.startswith("#")
        for word in line.split() if word.startswith("/")
    }  # fmt: skip
    assert all(any(path == mount or path.startswith(f"{mount}/") for mount in mounted) for path in named)
    assert service["ports"] == ["63790:63790"]


def test_its_shell_scripts_are_clean() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("needs shellcheck")
    subprocess.run(["shellcheck", RECIPE / "certificates.sh"], check=True)
