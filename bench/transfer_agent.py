"""The agent's own transfer code in a process of its own, as `bench.transfer` measures it: JSON of how long it took and how
much memory it had.

The platform's half, addresses for files, is answered from memory: what is measured is the way of the bytes.
"""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from peon.cache import Cache
from peon.downloads import Downloader
from peon.http_client import HttpClient
from peon.inputs import InputFetcher
from peon.job_folder import JobFolder
from peon.outputs import Outputs

PART_BYTES = 32 << 20
PARTS_FROM_BYTES = 64 << 20


class Api:
    """Grants as the platform makes them for an S3 store."""

    def __init__(self, sink: str) -> None:
        self._sink = sink

    def uploads(self, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._grant(file) for file in files]

    def _grant(self, file: dict[str, Any]) -> dict[str, Any]:
        datum = str(uuid.uuid4())
        grant = {"datum_id": datum, "name": file["name"]}
        size = file["size"]
        if size < PARTS_FROM_BYTES:
            return {**grant, "method": "PUT", "url": f"{self._sink}/up/{datum}", "headers": {}}
        parts = [
            {"number": number, "offset": offset, "size": min(PART_BYTES, size - offset), "method": "PUT",
             "url": f"{self._sink}/up/{datum}?partNumber={number}&uploadId={datum}", "headers": {}}
            for number, offset in enumerate(range(0, size, PART_BYTES), 1)
        ]  # fmt: skip
        return {**grant, "parts": parts}

    def finish_upload(self, datum_id: str, parts: list[dict[str, Any]]) -> None:
        pass


class Spool:
    """Counts what the agent would report."""

    def __init__(self) -> None:
        self.stored = 0

    def add_fact(self, event: dict[str, Any]) -> None:
        self.stored += 1


def download(work: Path, files: list[dict[str, Any]]) -> None:
    http, cache = HttpClient(), Cache(str(work / "cache"), 1 << 40)
    fetcher = InputFetcher(
        Downloader(http, cache, True, lambda: None), str(work / "inputs"), Api(""), lambda text: None, lambda: None
    )  # fmt: skip
    entry = {"name": "data", "files": files, "download": "always", "optional": False}
    found = fetcher.fetch({"inputs": [entry]})
    assert len(found) == len(files), f"{len(found)} of {len(files)} files"


def upload(work: Path, sink: str) -> None:
    folder, spool = JobFolder(str(work)), Spool()
    outputs = Outputs(folder, Api(sink), HttpClient(), spool, lambda text: None, lambda: None)
    outputs.upload_rest()
    assert not outputs.failures, outputs.failures[:3]
    assert spool.stored, "nothing was stored"


def main() -> None:
    plan = json.loads(sys.stdin.read())
    work = Path(plan["work"])
    began = time.perf_counter()
    if "files" in plan:
        download(work, plan["files"])
    else:
        upload(work, plan["sink"])
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Of this program alone: what `getrusage` says counts the process that started it."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kilobytes) * 1024 / 1e6


if __name__ == "__main__":
    main()
