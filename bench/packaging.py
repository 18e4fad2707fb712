"""A dataset of many small files as an input of a job, packaged beside unpackaged: the whole platform, its own agent, and an S3 on
loopback.

What is measured is the preparation of the job, from its first line to the one that says that the command starts, as its log has
the times. `BENCH_PACKAGING_FILES` and `BENCH_PACKAGING_BYTES` give other sizes, and `BENCH_FOLDER` another disk.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, Reference
from bench.running import project_with, rest_of, running_platform
from bench.transfer import sink
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows
from tests.support.rest import Rest

FILES = int(os.environ.get("BENCH_PACKAGING_FILES", "100000"))
FILE_BYTES = int(os.environ.get("BENCH_PACKAGING_BYTES", "10000"))
TIMES_FASTER = 10
PATIENCE_SECONDS = 3600
CODE = {
    "valohai.yaml": """\
- step:
    name: count
    image: none
    command: find /valohai/inputs -type f | wc -l
    inputs: [{name: images, keep-directories: full, default: "dataset://images/plain"}]
"""
}
SEED = """
import hashlib, json, os, sys
from pathlib import Path
from common import clock
from common.ids import new_id
from datastores.datasets.contents import write_files
from datastores.models import Dataset, DatasetVersion, DataStore, Datum
from projects.models import Project

plan = json.loads(PLAN)
project = Project.objects.get(pk=plan["project"])
store = DataStore.objects.get(pk=plan["store"])
folder = Path(plan["bucket"]) / "data" / str(project.pk)
folder.mkdir(parents=True)
datums = []
for number in range(plan["files"]):
    content = os.urandom(plan["bytes"])
    datum_id = new_id()
    (folder / str(datum_id)).write_bytes(content)
    datums.append(Datum(
        id=datum_id, store=store, project=project, name=f"{number // 1000:04}/{number:07}.bin",
        key=f"data/{project.pk}/{datum_id}", size_bytes=len(content), stored_at=clock.now(),
        **{name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256")},
    ))
Datum.objects.bulk_create(datums, batch_size=5000)
dataset = Dataset.objects.create(owner=project.owner, name="images")
dataset.projects.add(project)
for name in ("plain", "packed"):
    version = DatasetVersion.objects.create(dataset=dataset, name=name)
    write_files(version, datum_ids=[datum.pk for datum in datums], base=None, left_out_ids=[])
print(version.pk)
"""


def measure() -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_FOLDER")) as folder,
        sink(Path(folder)) as url,
        running_platform() as platform,
    ):
        bench = Measurement(platform, rest_of(platform))
        version = bench.seed(Path(folder) / "bucket", url)
        built = bench.build(version)
        plain = bench.prepare("plain", VH_CLEAN="1")
        packed = bench.prepare("packed", VH_CLEAN="1")
        bench.prepare("packed")  # for the next one
        cached = bench.prepare("packed")
    what = f"{FILES:,} files of {FILE_BYTES:,} B as an input"
    unpackaged = Reference("unpackaged", plain)
    yield Figure(f"{what}, packaged", packed, "s", plain / TIMES_FASTER, references=[unpackaged])
    yield Figure(f"{what}, packaged, in the cache", cached, "s", references=[unpackaged])
    yield Figure(f"{what}: to pack them", built, "s")


class Measurement:
    def __init__(self, platform: LivePlatform, rest: Rest) -> None:
        self._platform = platform
        self._rest = rest
        self._project, self._commit = project_with(rest, "packaging", CODE)

    def seed(self, bucket: Path, url: str) -> str:
        """Files in a bucket of the project, and two versions that have all of them; the id of the one to be packed."""
        configuration = {
            "bucket": bucket.name, "region": "us-east-1", "endpoint_url": url, "access_key_id": "bench",
            "secret_access_key": "bench", "test_configuration": False,
        }  # fmt: skip
        body = {"name": "bucket", "type": "s3", "project": self._project, "configuration": configuration}
        store = self._rest.post("stores/", body)["id"]
        plan = {
            "project": self._project, "store": store, "bucket": str(bucket), "files": FILES, "bytes": FILE_BYTES,
        }  # fmt: skip
        return write_rows(self._platform, f"PLAN = {json.dumps(plan)!r}\n" + SEED)

    def build(self, version: str) -> float:
        """Seconds until its packages are ready."""
        began = time.perf_counter()
        address = f"dataset-versions/{version}/packaging/"
        self._rest.post(address, expect=202)
        while (found := self._rest.get(address))["state"] != "ready":
            assert found["state"] in ("waiting", "building"), found
            assert time.perf_counter() - began < PATIENCE_SECONDS, found
            time.sleep(0.5)
        return time.perf_counter() - began

    def prepare(self, version: str, **variables: str) -> float:
        """Seconds that a job needed until its command began."""
        execution = self._rest.run(
            self._project, self._commit, "count",
            inputs={"images": [f"dataset://images/{version}"]}, environment_variables=variables,
        )  # fmt: skip
        ended = self._rest.wait(execution, seconds=PATIENCE_SECONDS)
        events = self._rest.get(f"executions/{execution}/events/", limit=0)["events"]
        said = [event["message"] for event in events]
        assert ended["status"] == "complete", said[-10:]
        assert str(FILES) in said, said[-10:]
        return _time_of(events, "starting the command") - _time_of(events, "starting job on")


def _time_of(events: list[dict[str, Any]], beginning: str) -> float:
    found = next(event for event in events if event["message"].startswith(beginning))
    return datetime.fromisoformat(found["time"]).timestamp()
