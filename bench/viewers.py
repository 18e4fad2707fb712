"""20,000 lines a second of one job to 50 viewers: how old a line is when it arrives, and whether each arrives once."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.event_stream import Writer, set_up_django, started_execution
from bench.figures import Figure, percentile, print_line
from bench.running import running_platform
from tests.support.live import LivePlatform

VIEWERS = 50
VIEWER_PROCESSES = 2
LINES_PER_SECOND = 20_000
SECONDS = 20
BATCH_LINES = 100
WARM_UP_SECONDS = 2
_HEAD = re.compile(r'"first_line":(\d+),"line_count":(\d+)')
_TIME = re.compile(r'"t":(\d+)')


def measure() -> Iterator[Figure]:
    with running_platform() as platform:
        yield from measure_on(platform)


def measure_on(platform: LivePlatform) -> Iterator[Figure]:
    command = [sys.executable, "-m", "bench.viewers"]
    environment = environment_of(platform)
    with subprocess.Popen(
        [*command, "--write"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        execution = writer.stdout.readline().strip()
        if not execution:
            raise RuntimeError("the writer ended before it began")
        watching = [
            subprocess.Popen(
                [*command, "--watch", execution],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(VIEWER_PROCESSES)
        ]
        for process in watching:
            assert process.stdout
            process.stdout.readline()  # it is connected
        writer.stdin.write("go\n")
        writer.stdin.flush()
        ages = [
            age for process in watching for age in json.loads(process.communicate(timeout=SECONDS * 5)[0])
        ]
    name = f"{LINES_PER_SECOND:,} lines/s to {VIEWERS} viewers, age of a line"
    yield Figure(f"{name}, p50", percentile(ages, 50), "ms")
    yield Figure(f"{name}, p99", percentile(ages, 99), "ms", 250)


def environment_of(platform: LivePlatform) -> dict[str, str]:
    """What the helper processes need to know of the installation."""
    return {
        **os.environ,
        "BENCH_URL": platform.url,
        "BENCH_TOKEN": platform.token,
        "DATABASE_URL": platform.database_url,
        "REDIS_URL": platform.redis_url,
        "DATA_DIR": str(platform.data),
        "SECRET_KEY": "only-for-measuring",
        "DJANGO_SETTINGS_MODULE": "valohai_app.settings",
    }


def write() -> None:
    """Announce an execution, wait for the word, then write at a steady rate."""
    from common.redis import client

    writer = Writer(client(), str(started_execution().pk))
    writer.open()
    print(writer.execution_id, flush=True)
    sys.stdin.readline()
    due = time.perf_counter()
    while writer.next_line < LINES_PER_SECOND * SECONDS:
        writer.write(BATCH_LINES)
        due += BATCH_LINES / LINES_PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
    writer.finish()


async def watch(execution: str) -> list[float]:
    ready = asyncio.Barrier(VIEWERS // VIEWER_PROCESSES + 1)
    viewers = [asyncio.create_task(view(execution, ready)) for _ in range(VIEWERS // VIEWER_PROCESSES)]
    await ready.wait()
    print("ready", flush=True)
    return [age for ages in await asyncio.gather(*viewers) for age in ages]


async def view(execution: str, ready: asyncio.Barrier) -> list[float]:
    """The age in milliseconds of the first line of every batch that came after the warm-up."""
    import websockets

    address = f"{os.environ['BENCH_URL'].replace('http', 'ws')}/ws/executions/{execution}/"
    headers = {"Authorization": f"Token {os.environ['BENCH_TOKEN']}"}
    ages: list[float] = []
    line, total = 0, LINES_PER_SECOND * SECONDS
    async with websockets.connect(
        address, additional_headers=headers, compression=None, max_size=None, proxy=None, open_timeout=60
    ) as socket:
        await socket.send('{"subscribe": "log", "from_line": 0}')
        await ready.wait()
        while line < total:
            text = str(await socket.recv())
            now = time.time() * 1000
            head = _HEAD.search(text, 0, 200)
            if head is None:
                continue
            times = _TIME.findall(text)
            first, count = map(int, head.groups())
            if first != line or text.count("\\n") + len(times) != count:
                raise RuntimeError(f"line {first} came where {line} was due")
            line += count
            if line > LINES_PER_SECOND * WARM_UP_SECONDS:
                ages += [now - int(t) / 1000 for t in times]
    return ages


def main() -> None:
    if "--write" in sys.argv:
        set_up_django()
        write()
    elif "--watch" in sys.argv:
        print(json.dumps(asyncio.run(watch(sys.argv[-1]))))
    else:
        for figure in measure():
            print_line(figure)


if __name__ == "__main__":
    main()
