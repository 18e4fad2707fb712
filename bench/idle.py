"""What the platform needs when nobody asks it for anything: memory and processor time of all its processes."""

import time
from collections.abc import Iterator

import psutil

from bench.figures import Figure, Reference
from bench.running import rest_of, running_platform
from tests.support.live import LivePlatform

SETTLE_SECONDS = 15
WATCH_SECONDS = 60


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        for _ in range(50):
            rest_of(platform).get(
                "executions/"
            )  # an installation that has been used, not one that just started
        time.sleep(SETTLE_SECONDS)
        share = processor_share(platform)
        pss = sum(pss_mb(process) for process in everything(platform))
    yield Figure(
        "memory of all processes, idle (PSS)", pss, "MB", 600,
        references=(Reference("Prefect", 180), Reference("Dagster", 500), Reference("Ray", 690), Reference("MLflow", 2200)),
    )  # fmt: skip
    yield Figure("processor, idle", share, "% of a core", 3, references=(Reference("Ray", 5.5),))


def everything(platform: LivePlatform) -> list[psutil.Process]:
    assert platform.process is not None
    return [psutil.Process(platform.process.pid), *platform.descendants()]


def processor_share(platform: LivePlatform) -> float:
    before = {process.pid: processor_seconds(process) for process in everything(platform)}
    began = time.monotonic()
    time.sleep(WATCH_SECONDS)
    spent = sum(processor_seconds(process) - before.get(process.pid, 0) for process in everything(platform))
    return 100 * spent / (time.monotonic() - began)


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def pss_mb(process: psutil.Process) -> float:
    """The kernel's share per process: a page that n processes share counts 1/n in each."""
    with open(f"/proc/{process.pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
