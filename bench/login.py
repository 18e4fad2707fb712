"""What a login costs: processor time of the web process per password that it checks, session or token included."""

import statistics
import time
from collections.abc import Iterator

import httpx
import psutil
from argon2.low_level import Type, hash_secret

from accounts.hashers import PasswordHasher
from bench.figures import Figure, Reference
from bench.idle import processor_seconds
from bench.running import running_platform
from tests.support.live import LivePlatform

ROUNDS = 7
LOGINS_A_ROUND = 5
"""The kernel counts in hundredths of a second: several logins make up for that."""


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        log_in(platform)  # the first one loads what later ones find loaded
        spent = statistics.median(processor_ms(platform) for _ in range(ROUNDS))
    floor = statistics.median(hash_ms() for _ in range(ROUNDS))
    yield Figure(
        "processor time of a login", spent, "ms", 400,
        references=(Reference("argon2-cffi alone, same parameters", floor),),
    )  # fmt: skip


def log_in(platform: LivePlatform) -> None:
    credentials = {"username": platform.username, "password": platform.password}
    answer = httpx.post(f"{platform.url}/api/v0/get-token/", data=credentials, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text


def processor_ms(platform: LivePlatform) -> float:
    web = psutil.Process(platform.pid_of("web"))
    before = processor_seconds(web)
    for _ in range(LOGINS_A_ROUND):
        log_in(platform)
    return (processor_seconds(web) - before) * 1000 / LOGINS_A_ROUND


def hash_ms() -> float:
    hasher = PasswordHasher()
    cost = hasher.time_cost, hasher.memory_cost, hasher.parallelism
    began = time.process_time()
    hash_secret(b"some password", b"a salt of 22 characters", *cost, 32, Type.ID)
    return (time.process_time() - began) * 1000
