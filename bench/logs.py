"""A million lines from one job through to storage, and beside it what a bare Redis stream takes in the same run."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import redis

from bench import viewers
from bench.event_stream import TEXT, Writer, set_up_django, started_execution
from bench.figures import Figure, Reference, print_line
from bench.running import project_with, rest_of, running_platform
from tests.support.live import LivePlatform

LINES = 1_000_000
BATCH_LINES = 1000
FLOOR_BATCH_LINES = 100
PREFECT = Reference("Prefect", 2709)
CODE = {
    "valohai.yaml": "- step: {name: flood, image: none, command: python flood.py}\n",
    "flood.py": (f"import sys\nfor n in range({LINES}):\n    sys.stdout.write('%d {TEXT}\\n' % n)\n"),
}


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        floor = Reference("a bare Redis stream", bare_stream(platform))
        through_ingest = json.loads(
            subprocess.run(
                [sys.executable, "-m", "bench.logs", "--ingest"],
                check=True,
                stdout=subprocess.PIPE,
                env=viewers.environment_of(platform),
            ).stdout
        )
        yield Figure(
            "1,000,000 lines through ingest to storage",
            through_ingest,
            "lines/s",
            50_000,
            True,
            (floor, PREFECT),
        )
        yield Figure(
            "1,000,000 lines of a real job to storage", real_job(platform), "lines/s", 50_000, True, (floor,)
        )
        yield from viewers.measure_on(platform)


def bare_stream(platform: LivePlatform) -> float:
    """Lines a second into a stream that nobody reads, in batches of 100, a line an entry."""
    client = redis.Redis.from_url(platform.redis_url)
    count = LINES // 10
    began = time.perf_counter()
    for _ in range(0, count, FLOOR_BATCH_LINES):
        pipe = client.pipeline(transaction=False)
        for _ in range(FLOOR_BATCH_LINES):
            pipe.xadd("bench:floor", {"m": TEXT}, maxlen=200_000, approximate=True)
        pipe.execute()
    took = time.perf_counter() - began
    client.delete("bench:floor")
    return round(count / took)


def through_ingest() -> float:
    """Lines a second until the last one is in object storage, checked to be all there in order."""
    from common.redis import client
    from executions.models import Execution

    execution = started_execution()
    writer = Writer(client(), str(execution.pk))
    writer.open()
    began = time.perf_counter()
    for _ in range(0, LINES, BATCH_LINES):
        writer.write(BATCH_LINES)
    writer.finish()
    while not Execution.objects.filter(pk=execution.pk, log_sealed_at__isnull=False).exists():
        time.sleep(0.01)
    took = time.perf_counter() - began
    check_lines(execution)
    return round(LINES / took)


def check_lines(execution: object) -> None:
    from executions.logs import reader

    number = 0
    for piece in reader.iter_text(execution):  # type: ignore[arg-type]
        for line in piece.splitlines():
            if not line.startswith(f"{number} "):
                raise RuntimeError(f"line {number} is {line[:40]!r}")
            number += 1
    if number != LINES:
        raise RuntimeError(f"{number} lines instead of {LINES}")


def real_job(platform: LivePlatform) -> float:
    """Lines a second of a Python loop that prints, from its first line until the database says that it has ended."""
    rest = rest_of(platform)
    execution = rest.run(*project_with(rest, "flood", CODE), "flood")
    rest.wait(execution, seconds=300)
    ended = time.time()
    events = rest.get(f"executions/{execution}/log/", first_line=0, limit=1000)
    first = next(s["t"] for s in events["segments"] if s["k"] == "o") / 1_000_000
    numbers = [int(line.split()[0]) for line in rest.lines(execution, "stdout")]
    if numbers != list(range(LINES)):
        raise RuntimeError("lines are missing, doubled or out of order")
    return round(LINES / (ended - first))


def main() -> None:
    if "--ingest" in sys.argv:
        set_up_django()
        print(through_ingest())
        return
    for figure in measure():
        print_line(figure)


if __name__ == "__main__":
    main()
