"""From the POST of an execution to its first line through Slurm, beside a plain `sbatch` to its first line, in turns on one cluster.

The aim is about what we add; how long Slurm itself takes to begin a job depends on how it is set up.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, Reference, percentile
from bench.latency import first_line_of
from bench.running import project_with, rest_of, running_platform
from tests.support.dispatching import DispatcherProcess
from tests.support.live import LivePlatform
from tests.support.rest import Rest
from tests.support.slurm import PROMPT, Cluster, running_cluster

RUNS = 20
CODE = {"valohai.yaml": "- step: {name: now, image: none, command: 'date +%s.%N'}\n"}
USUAL = "default_queue_depth=100"
SCRIPT = "#!/bin/sh\ndate +%s.%N\n"


def measure() -> Iterator[Figure]:
    for name, scheduler in (("Slurm that begins jobs at once", PROMPT), ("Slurm with its defaults", USUAL)):
        with _measured(scheduler) as (platform, cluster, dispatcher):
            rest = rest_of(platform)
            project, commit = project_with(rest, f"slurm-{time.time_ns()}", CODE)
            ours, plain = [], []
            for run in range(RUNS + 1):
                through = _through_the_platform(platform, rest, project, commit, dispatcher.queue)
                alone = _with_sbatch(cluster)
                if run:  # the first one warms up
                    ours.append(through)
                    plain.append(alone)
        added = [through - alone for through, alone in zip(ours, plain, strict=True)]
        sbatch = (Reference("sbatch alone", percentile(plain, 50)),)
        yield Figure(f"POST to first line, {name}, p50", percentile(ours, 50), "ms", references=sbatch)
        yield Figure(f"over sbatch to first line, {name}, p50", percentile(added, 50), "ms", 1000)


@contextmanager
def _measured(scheduler: str) -> Iterator[tuple[LivePlatform, Cluster, DispatcherProcess]]:
    with running_platform() as platform, tempfile.TemporaryDirectory() as folder:
        for cluster in running_cluster(scheduler):
            dispatch = {"partition": "batch", "cpus": 1, "memory_mb": 150}
            body = {"slug": "hpc", "name": "HPC", "type": "slurm", "dispatch": dispatch}
            rest_of(platform).post("environments/", body)
            dispatcher = DispatcherProcess(platform, cluster, Path(folder)).start()
            try:
                yield platform, cluster, dispatcher
            finally:
                dispatcher.stop()


def _through_the_platform(
    platform: LivePlatform, rest: Rest, project: str, commit: str, environment: str
) -> float:
    posted = time.time()
    execution = rest.run(project, commit, "now", environment=environment)
    first_line_of(platform, execution, seconds=60)
    received = time.time()
    rest.wait(execution)
    return (received - posted) * 1000


def _with_sbatch(cluster: Cluster) -> float:
    """Until the line stands in the job's output, which is looked at all the time."""
    output = cluster.folder / f"plain-{time.time_ns()}.out"
    command = ["sbatch", "--quiet", "--partition=batch", "--mem=150M", f"--output={output}"]
    submitted = time.time()
    subprocess.run(
        command, input=SCRIPT.encode(), env={"PATH": "/usr/bin:/bin", **cluster.environment}, check=True
    )
    while not output.exists() or not output.stat().st_size:
        time.sleep(0.005)
    return (time.time() - submitted) * 1000
