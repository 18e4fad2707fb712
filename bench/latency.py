"""From the POST of an execution to its code running, and to its first line at a WebSocket client, on an idle system."""

import json
import time
from collections.abc import Iterator

from websockets.sync.client import ClientConnection, connect

from bench.figures import Figure, Reference, percentile
from bench.running import project_with, rest_of, running_platform
from tests.support.live import LivePlatform
from tests.support.rest import Rest

RUNS = 100
WARM_UP_RUNS = 5
# The first thing that the job's own code does is to print the time.
CODE = {"valohai.yaml": "- step: {name: now, image: none, command: 'date +%s.%N'}\n"}


def measure() -> Iterator[Figure]:
    with running_platform(RUNTIME="process") as platform:
        rest = rest_of(platform)
        project, commit = project_with(rest, "latency", CODE)
        measured = [one_run(platform, rest, project, commit) for _ in range(WARM_UP_RUNS + RUNS)][
            WARM_UP_RUNS:
        ]
    starts = [start for start, _ in measured]
    lines = [line for _, line in measured]
    peers = (
        Reference("Ray Jobs", 950),
        Reference("Slurm", 2700),
        Reference("Dagster", 3000),
        Reference("Prefect", 8200),
    )
    yield Figure("POST to user code running, p50", percentile(starts, 50), "ms", 100, references=peers)
    yield Figure("POST to user code running, p99", percentile(starts, 99), "ms", 300)
    ray = (Reference("Ray Jobs", 3030), Reference("bare Redis", 0.65))
    yield Figure("POST to first line at a WebSocket, p50", percentile(lines, 50), "ms", 150, references=ray)
    yield Figure("POST to first line at a WebSocket, p99", percentile(lines, 99), "ms", 500)


def one_run(platform: LivePlatform, rest: Rest, project: str, commit: str) -> tuple[float, float]:
    """Milliseconds until the code ran, and until its first line was here."""
    posted = time.time()
    execution = rest.run(project, commit, "now")
    printed = first_line_of(platform, execution)
    received = time.time()
    rest.wait(execution)
    return (float(printed) - posted) * 1000, (received - posted) * 1000


def first_line_of(platform: LivePlatform, execution: str, seconds: float = 30) -> str:
    """What the job prints first, as soon as it is here."""
    address = f"{platform.url.replace('http', 'ws')}/ws/executions/{execution}/"
    headers = {"Authorization": f"Token {platform.token}", "Origin": platform.url}
    with connect(address, additional_headers=headers, compression=None, proxy=None) as socket:
        socket.send(json.dumps({"subscribe": "log", "from_line": 0}))
        return _first_output_line(socket, seconds)


def _first_output_line(socket: ClientConnection, seconds: float) -> str:
    while True:
        message = json.loads(socket.recv(timeout=seconds))
        for segment in message.get("segments", []) if message["type"] == "log" else []:
            if segment["k"] == "o":
                return str(segment["p"]).partition("\n")[0]
