"""A warm start: `script/server` on an installation that has run before, until /healthz answers."""

import time
from collections.abc import Iterator

from bench.figures import Figure, Reference, percentile
from bench.running import running_platform

REPETITIONS = 5


def measure() -> Iterator[Figure]:
    took = []
    with running_platform() as platform:
        platform.entry = ("script/server",)
        platform.stop()
        for _ in range(REPETITIONS + 1):
            began = time.monotonic()
            platform.launch()
            platform.wait_for("/healthz", 120)
            took.append(time.monotonic() - began)
            platform.wait_for("/readyz", 60)
            platform.stop()
    yield Figure(
        # The first one may have had to install.
        "warm start to /healthz, p50", percentile(took[1:], 50), "s", 8,
        references=(Reference("Ray", 2.6), Reference("Prefect", 3.2), Reference("Dagster", 4.7), Reference("MLflow", 10)),
    )  # fmt: skip
