"""The trace of a file from which 10,000 nodes were made, 200 edges deep, and of a run that used 10,000 files by one version of a
dataset: the whole request until its last byte is here, and its size."""

import subprocess
import sys
from collections.abc import Iterator

from bench.access import milliseconds
from bench.figures import Figure, percentile
from bench.listing import environment_of
from bench.running import project_with, rest_of, running_platform
from tests.support.live import CHECKOUT, LivePlatform

WIDTH, GENERATIONS = 51, 98
REQUESTS = 30
CODE = {"valohai.yaml": "- step: {name: now, image: none, command: date}\n"}


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        rest = rest_of(platform)
        project, commit = project_with(rest, "trace", CODE)
        template = rest.run(project, commit, "now")
        rest.wait(template)
        first, reader = seed(platform, template)
        whole, part, by_version = [], [], []
        nodes = len(rest.get(f"data/{first}/trace/", limit=10_000)["nodes"])
        for _ in range(REQUESTS):
            # Without reading the JSON: that is the client's work.
            whole.append(
                milliseconds(lambda: rest.http.get(f"data/{first}/trace/", params={"limit": 10_000}))
            )
            part.append(milliseconds(lambda: rest.http.get(f"data/{first}/trace/")))
            by_version.append(milliseconds(lambda: rest.http.get(f"executions/{reader}/trace/")))
    yield Figure("trace of connected nodes: how many there are", nodes, "nodes", 9_900, more_is_better=True)
    yield Figure("trace of them, request, p50", percentile(whole, 50), "ms", 300)
    yield Figure("same, p99", percentile(whole, 99), "ms")
    yield Figure("trace as the page asks for it, request, p50", percentile(part, 50), "ms")
    yield Figure(
        "trace of a run with 10,000 files by a version, request, p50", percentile(by_version, 50), "ms"
    )


def seed(platform: LivePlatform, template: str) -> tuple[str, str]:
    """The id of the file that everything was made from, and of the run that used a version of a dataset."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.trace_rows", template, str(WIDTH), str(GENERATIONS)],
        cwd=CHECKOUT, env=environment_of(platform), check=True, capture_output=True, text=True,
    )  # fmt: skip
    first, reader = done.stdout.split()
    return first, reader
