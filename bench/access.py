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
from bench.listing import environment_of
from bench.running import running_platform
from tests.support.live import CHECKOUT, LivePlatform

PASSWORD = "only for a database that is thrown away"  # noqa: S105
RUNS = 5
REQUESTS = 200
PAGE = "/api/v0/executions/?limit=50"


def measure() -> Iterator[Figure]:
    """Each figure as soon as it is known, so that what has been measured is not lost with what comes after it."""
    with running_platform() as platform:
        began = time.monotonic()
        users = seed(platform)
        yield Figure("seeding the installation", time.monotonic() - began, "s", 240)
        most = requests_of(platform, users["Most memberships"])
        yield Figure("executions of the user with most memberships, request, p50", most[50], "ms", 40)
        yield Figure("same, p99", most[99], "ms", 120)
        yield Figure("same, first request: the count is not remembered yet", most["first"], "ms")
        for who, text in {"Median": "the median user", "None": "a user who sees none"}.items():
            found = requests_of(platform, users[who])
            yield Figure(f"executions of {text}, request, p50", found[50], "ms")
        for who, text in {"Most memberships": "with most memberships", "Median": "in the middle"}.items():
            queries = queries_of(platform, users[who])
            floor = Reference(f"known ids of {queries['projects']:,.0f} projects, p50", queries["floor"])
            yield Figure(
                f"page of the user {text}, queries only, p50", queries["p50"], "ms", references=(floor,)
            )
            yield Figure("same, p99", queries["p99"], "ms")


def seed(platform: LivePlatform) -> Mapping[str, str]:
    """The names of the users to measure. What the command says, and what it complains of, is shown as it comes."""
    options = ["--quick"] if os.environ.get("BENCH_QUICK") else []
    command = [sys.executable, "manage.py", "seed_tenants", f"--password={PASSWORD}", *options]
    said = ""
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment_of(platform), stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout or ():
            print(line, end="", file=sys.stderr, flush=True)
            said += line
    if running.returncode:
        killed = " A negative number is a signal: 9 is what the system sends when memory runs out."
        raise SystemExit(
            f"Seeding ended with {running.returncode}.{killed if running.returncode < 0 else ''}"
        )
    return dict(re.findall(r"(Most memberships|Median|None): (\S+)\.", said))


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
        cwd=CHECKOUT, env=environment_of(platform), check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found
