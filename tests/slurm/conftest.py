"""One installation and one Slurm for the package; a dispatcher and an environment with a queue of its own for each test."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dispatching import DispatcherProcess
from tests.support.live import LivePlatform
from tests.support.rest import Rest
from tests.support.slurm import Cluster

CODE = {
    "valohai.yaml": """\
- step:
    name: work
    image: none
    command: python work.py
- step:
    name: wait
    image: none
    command: python wait.py
- step:
    name: large
    image: none
    command: python wait.py
    resources: {cpu: {min: 3}, memory: {max: 300}}
- step:
    name: greedy
    image: none
    command: python greedy.py
    resources: {memory: {max: 100}}
- step:
    name: devices
    image: none
    command: python work.py
    resources: {devices: {nvidia.com/gpu: 1}}
""",
    "work.py": """\
import json, os
print("hello from", os.environ.get("SLURM_JOB_ID"), flush=True)
print("cores", os.environ.get("SLURM_CPUS_PER_TASK"), "devices", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
print(json.dumps({"answer": 42}), flush=True)
open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "model.txt"), "w").write("weights")
""",
    "wait.py": """\
import os, time
open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "kept.txt"), "w").write("kept")
print("ready", flush=True)
time.sleep(600)
""",
    "greedy.py": """\
import time
print("ready", flush=True)
taken = bytearray(400 << 20)
time.sleep(120)
""",
}


@pytest.fixture(scope="session")
def rest(live_platform: LivePlatform) -> Rest:
    return Rest(live_platform.url, live_platform.token)


@pytest.fixture(scope="session")
def code(rest: Rest) -> tuple[str, str]:
    project = rest.create_project(f"slurm-{time.time_ns()}")
    return project, rest.import_package(project, CODE)


@pytest.fixture
def make_dispatcher(
    live_platform: LivePlatform, slurm: Cluster, rest: Rest, tmp_path: Path
) -> Iterator[Callable[..., DispatcherProcess]]:
    """An environment with the Slurm settings given, and a dispatcher for its queue that is not started yet."""
    made: list[DispatcherProcess] = []

    def make(**dispatch: Any) -> DispatcherProcess:
        queue = f"hpc-{time.time_ns()}"
        given = {"partition": "batch", "cpus": 1, "memory_mb": 150, **dispatch}
        rest.post("environments/", {"slug": queue, "name": queue, "type": "slurm", "dispatch": given})
        made.append(DispatcherProcess(live_platform, slurm, tmp_path / queue, queue))
        return made[-1]

    yield make
    for dispatcher in made:
        if dispatcher.process is not None and dispatcher.process.poll() is None:
            dispatcher.stop()
        if dispatcher.process is not None:
            print(dispatcher.log())
    slurm.run("scancel", "--user=root")
    print(slurm.logs())


@pytest.fixture
def dispatcher(make_dispatcher: Callable[..., DispatcherProcess]) -> DispatcherProcess:
    return make_dispatcher().start()


@pytest.fixture
def run(rest: Rest, code: tuple[str, str]) -> Callable[..., str]:
    def run(dispatcher: DispatcherProcess, step: str, **spec: Any) -> str:
        return rest.run(*code, step, environment=dispatcher.queue, **spec)

    return run
