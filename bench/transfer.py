"""Files up and down through the agent's transfer code and an S3 on loopback, beside s5cmd, boto3 and the disk.

All of them, and the sink, share the machine's cores and its disk, and are measured in turns in one run; the best of each
counts. `BENCH_LARGE_MB` and `BENCH_SMALL_FILES` give other sizes, and `BENCH_FOLDER` another disk. s5cmd is measured where
it is on the path; it makes no checksums, the agent does.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure, Reference
from peon.checksums import NAMES

REPETITIONS = 2
LARGE_BYTES = int(os.environ.get("BENCH_LARGE_MB", "1000")) * 1_000_000
SMALL_FILES = int(os.environ.get("BENCH_SMALL_FILES", "2000"))
SMALL_BYTES = 100_000
SINK_PROCESSES = 2
SHARE_OF_THE_DISK = 0.85
BOTO_THREADS = 16
BLOCK_BYTES = 4 << 20
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}

Seconds = dict[tuple[str, str], list[float]]
"""Of what was done ("large up", ...) by whom."""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        files = Files(Path(folder))
        with sink(files.served) as url:
            yield from figures(*Measurement(files, url).run())


class Files:
    """What is moved: one large file and many small ones, with their checksums, as the platform knows them of its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served = folder / "sink"
        self.known: dict[str, list[dict[str, Any]]] = {}
        for kind, names, size in (
            ("large", ["large"], LARGE_BYTES),
            ("small", [f"{number:06}" for number in range(SMALL_FILES)], SMALL_BYTES),
        ):
            self.outputs(kind).mkdir(parents=True)
            (self.served / "down" / kind).mkdir(parents=True)
            self.known[kind] = [self._make(kind, name, size) for name in names]

    def job(self, kind: str) -> Path:
        return self.folder / f"job-{kind}"

    def outputs(self, kind: str) -> Path:
        return self.job(kind) / "files" / "outputs"

    def _make(self, kind: str, name: str, size: int) -> dict[str, Any]:
        hashes = [hashlib.new(known) for known in NAMES]
        path = self.outputs(kind) / name
        with path.open("wb") as file:
            for start in range(0, size, BLOCK_BYTES):
                block = os.urandom(min(BLOCK_BYTES, size - start))
                file.write(block)
                for one in hashes:
                    one.update(block)
        shutil.copyfile(path, self.served / "down" / kind / name)
        checksums = {known: one.hexdigest() for known, one in zip(NAMES, hashes, strict=True)}
        return {"filename": name, "size": size, "datum_id": str(uuid.uuid4()), **checksums}


class Measurement:
    def __init__(self, files: Files, url: str) -> None:
        self._files = files
        self._url = url
        self._turn = 0
        self._seconds: Seconds = {}
        self._memory_mb = 0.0
        self._prepared: list[float] = []

    def run(self) -> tuple[Seconds, float, float]:
        """Seconds, the agent's peak of memory in MB, and the seconds to prepare inputs that are cached."""
        clients = [("agent", self._agent), ("disk", self._disk)]
        if shutil.which("s5cmd"):
            clients.append(("s5cmd", self._s5cmd))
        if boto() is not None:
            clients.append(("boto3", self._boto))
        for _ in range(REPETITIONS):
            for what in ("large down", "large up", "small down", "small up"):
                for name, client in clients:
                    self._measure(name, what, client)
        return self._seconds, self._memory_mb, min(self._prepared)

    def _measure(self, name: str, what: str, client: Callable[[str, str, Path], float | None]) -> None:
        self._turn += 1
        # A new folder each time: a file system is slow to make files where it has just removed many.
        target = self._files.folder / f"turn-{self._turn}"
        target.mkdir()
        os.sync()
        kind, direction = what.split(" ")
        seconds = client(kind, direction, target)
        if seconds is not None:
            self._seconds.setdefault((what, name), []).append(seconds)
        if kind == "large":
            shutil.rmtree(target)
            shutil.rmtree(self._files.served / ".parts", ignore_errors=True)

    def _agent(self, kind: str, direction: str, target: Path) -> float:
        if direction == "up":
            return self._run_agent({"work": str(self._files.job(kind)), "sink": self._url})
        files = [
            {**known, "url": f"{self._url}/down/{kind}/{known['filename']}", "uri": "datum://" + known["datum_id"]}
            for known in self._files.known[kind]
        ]  # fmt: skip
        plan = {"work": str(target), "files": files}
        seconds = self._run_agent(plan)
        shutil.move(target / "inputs", target / "inputs-of-the-first-job")
        self._prepared.append(self._run_agent(plan)) if kind == "small" else None
        return seconds

    def _run_agent(self, plan: dict[str, Any]) -> float:
        done = subprocess.run(
            [sys.executable, "-m", "bench.transfer_agent"],
            input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        said = json.loads(done.stdout)
        self._memory_mb = max(self._memory_mb, said["peak_mb"])
        return float(said["seconds"])

    def _disk(self, kind: str, direction: str, target: Path) -> float | None:
        """A copy of the large file that is on the disk when it ends."""
        if (kind, direction) != ("large", "up"):
            return None
        began = time.perf_counter()
        with (self._files.outputs(kind) / "large").open("rb") as source, (target / "copy").open("wb") as copy:
            shutil.copyfileobj(source, copy, BLOCK_BYTES)
            copy.flush()
            os.fdatasync(copy.fileno())
        return time.perf_counter() - began

    def _s5cmd(self, kind: str, direction: str, target: Path) -> float:
        source = {"down": f"s3://down/{kind}/*", "up": f"{self._files.outputs(kind)}/"}[direction]
        goal = {"down": f"{target}/", "up": f"s3://up/turn-{self._turn}/"}[direction]
        began = time.perf_counter()
        subprocess.run(
            ["s5cmd", "--endpoint-url", self._url, "cp", source, goal],
            env={**os.environ, **KEYS}, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - began

    def _boto(self, kind: str, direction: str, target: Path) -> float:
        client = boto()(self._url)

        def move(name: str) -> None:
            if direction == "down":
                client.download_file("down", f"{kind}/{name}", str(target / name))
            else:
                path = str(self._files.outputs(kind) / name)
                client.upload_file(path, "up", f"turn-{self._turn}/{name}")

        began = time.perf_counter()
        with ThreadPoolExecutor(BOTO_THREADS) as pool:
            list(pool.map(move, [known["filename"] for known in self._files.known[kind]]))
        return time.perf_counter() - began


def figures(seconds: Seconds, memory_mb: float, prepared: float) -> Iterator[Figure]:
    disk = LARGE_BYTES / 1e6 / min(seconds["large up", "disk"])
    for what in ("large down", "large up", "small down", "small up"):
        kind, direction = what.split(" ")
        amount = LARGE_BYTES / 1e6 if kind == "large" else SMALL_FILES
        rates = {name: amount / min(took) for (done, name), took in seconds.items() if done == what}
        value = rates.pop("agent")
        if kind == "large":
            rates["disk, synced"] = disk
            rates.pop("disk", None)
        aims = [rates["s5cmd"]] if "s5cmd" in rates else []
        aims += [SHARE_OF_THE_DISK * disk] if kind == "large" else []
        title = (
            f"one file of {LARGE_BYTES // 1_000_000:,} MB"
            if kind == "large"
            else f"{SMALL_FILES:,} files of 100 KB"
        )
        yield Figure(
            f"{title} {direction}", value, "MB/s" if kind == "large" else "files/s", min(aims, default=None),
            more_is_better=True, references=[Reference(name, rate) for name, rate in rates.items()],
        )  # fmt: skip
    yield Figure("memory of the agent's transfers, peak", memory_mb, "MB", 150)
    yield Figure(f"second run with the same {SMALL_FILES:,} inputs, preparation", prepared, "s", 1)


def boto() -> Callable[[str], Any] | None:
    """Makes a client for an address; None where boto3 is not installed."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        return None
    config = Config(
        s3={"addressing_style": "path"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",  # the sink does not know its framing
        response_checksum_validation="when_required",
    )
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
    return lambda url: boto3.client("s3", endpoint_url=url, config=config, **keys)


@contextmanager
def sink(root: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.s3_sink", str(root), str(port), str(SINK_PROCESSES)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
