"""The list of all executions that somebody may see, on an installation full of tenants: 1,000 organizations, 20,000 users,
100,000 projects, 1,000,000 executions. BENCH_QUICK=1 seeds a fiftieth of them."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median

import httpx

from bench.figures import Figure, Reference, percentile
from bench.listing import environment_of, manage
from bench.running import running_platform
from tests.support.live import CHECKOUT, LivePlatform

PASSWORD = "only for a database that is thrown away"  # noqa: S105
RUNS = 5
REQUESTS = 200
PAGE = "/api/v0/executions/?limit=50"


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        began = time.monotonic()
        options = ["--quick"] if os.environ.get("BENCH_QUICK") else []
        said = manage(platform, "seed_tenants", f"--password={PASSWORD}", *options)
        seeding_seconds = time.monotonic() - began
        names = dict(re.findall(r"(Most memberships|Median|None): (\S+)\.", said))
        users = {"most": names["Most memberships"], "median": names["Median"], "none": names["None"]}
        whole = {who: requests_of(platform, name) for who, name in users.items()}
        queries = {who: queries_of(platform, name) for who, name in users.items()}
    yield Figure("seeding the installation", seeding_seconds, "s")
    yield Figure("executions of the user with most memberships, request, p50", whole["most"][50], "ms", 40)
    yield Figure("same, p99", whole["most"][99], "ms", 120)
    yield Figure("same, first request: the count is not remembered yet", whole["most"]["first"], "ms")
    yield Figure("executions of the median user, request, p50", whole["median"][50], "ms")
    yield Figure("executions of a user who sees none, request, p50", whole["none"][50], "ms")
    for who, text in {"most": "with most memberships", "median": "in the middle"}.items():
        found = queries[who]
        floor = Reference(f"known ids of {found['projects']:,.0f} projects, p50", found["floor"])
        yield Figure(f"page of the user {text}, queries only, p50", found["p50"], "ms", references=(floor,))
        yield Figure("same, p99", found["p99"], "ms")


def requests_of(platform: LivePlatform, username: str) -> Mapping[int | str, float]:
    """Percentiles of whole requests over HTTP, each the median of several runs."""
    with httpx.Client(base_url=platform.url, trust_env=False, timeout=120) as client:
        given = {"username": username, "password": PASSWORD}
        token = client.post("/api/v0/get-token/", data=given).json()["token"]
        client.headers["Authorization"] = f"Token {token}"

        def ask() -> None:
            client.get(PAGE).raise_for_status()

        first = milliseconds(ask)
        runs = [[milliseconds(ask) for _ in range(REQUESTS)] for _ in range(RUNS)]
    return {"first": first, **{p: median(percentile(run, p) for run in runs) for p in (50, 99)}}


def milliseconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def queries_of(platform: LivePlatform, username: str) -> Mapping[str, float]:
    """Times inside a process beside the server, see `access_queries`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.access_queries", username, str(RUNS), str(REQUESTS)],
        cwd=CHECKOUT, env=environment_of(platform), check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found
