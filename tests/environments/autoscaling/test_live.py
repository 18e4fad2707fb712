"""The whole loop for real: the local provider starts agents, jobs run on them, parts die, and nothing is left running."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.live import LivePlatform, data_folder, make_platform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.fault]

CODE = {
    "valohai.yaml": """\
- step:
    name: wait
    image: python:3.11
    command: python wait.py {parameters}
    parameters:
      - name: gate
        type: string
        default: ""
""",
    "wait.py": """\
import os, sys, time
open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "kept.txt"), "w").write("kept")
print("ready", flush=True)
gate = sys.argv[1].partition("=")[2]
while not os.path.exists(gate):
    time.sleep(0.05)
print("done", flush=True)
""",
}


@pytest.fixture(scope="module")
def platform() -> Iterator[LivePlatform]:
    with data_folder() as folder:
        made = make_platform(folder, AUTOSCALER_ROUND_SECONDS="1")
        try:
            yield made.start(300)
        finally:
            if made.process is not None and made.process.poll() is None:
                made.stop()


@pytest.fixture
def rest(platform: LivePlatform) -> Rest:
    return Rest(platform.url, platform.token)


class Fleet:
    """One environment of local machines, and a project that runs on it."""

    def __init__(self, platform: LivePlatform, rest: Rest, tmp_path: Path, **settings: Any) -> None:
        self.platform, self.rest = platform, rest
        self.slug = f"fleet-{time.time_ns()}"
        self.gate = tmp_path / "go-on"
        self.rest.post(
            "environments/",
            {
                "slug": self.slug, "name": self.slug, "provider": "local", "machine_template": {"runtime": "process"},
                "scale_down_grace_period": 0, **settings,
            },
        )  # fmt: skip
        self.project = rest.create_project(self.slug)
        self.commit = rest.import_package(self.project, CODE)

    def run(self) -> str:
        parameters = {"gate": str(self.gate)}
        return self.rest.run(self.project, self.commit, "wait", environment=self.slug, parameters=parameters)

    def change(self, **settings: Any) -> None:
        self.rest.patch(f"environments/{self.slug}/", settings)

    def machines(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rest.get(f"environments/{self.slug}/machines/", **params)[
            "results"
        ]
        return found

    def states(self) -> list[str]:
        return sorted(machine["state"] for machine in self.machines())

    def ended(self) -> list[str]:
        return sorted(machine["status"] for machine in self.machines(ended=True))

    def log(self) -> list[str]:
        return [row["text"] for row in self.rest.get(f"environments/{self.slug}/decisions/")["results"]]

    def act(self, machine: dict[str, Any], action: str) -> None:
        self.rest.post(f"environments/{self.slug}/machines/{machine['id']}/{action}/", expect=200)

    def folder(self, machine: dict[str, Any]) -> Path:
        return self.platform.data / "machines" / str(machine["id"])

    def pid(self, machine: dict[str, Any]) -> int:
        return int((self.folder(machine) / "pid").read_text())

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.machines(), self.ended(), self.log())
            time.sleep(0.2)

    def close(self) -> None:
        self.gate.touch()
        self.change(scale_min=0, scale_max=0)
        self.until(lambda: not self.states())


@pytest.fixture
def make_fleet(platform: LivePlatform, rest: Rest, tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    made: list[Fleet] = []

    def make(**settings: Any) -> Fleet:
        made.append(Fleet(platform, rest, tmp_path, **settings))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close()


def test_from_nothing_to_five_and_back(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_max=5)
    jobs = [fleet.run() for _ in range(7)]
    fleet.until(lambda: fleet.states() == ["busy"] * 5, 120)
    assert len({machine["agents"][0]["job"] for machine in fleet.machines()} & set(jobs)) == 5
    waiting = [job for job in jobs if rest.execution(job)["status"] in {"created", "queued"}]
    assert len(waiting) == 2
    pids = [fleet.pid(machine) for machine in fleet.machines()]
    fleet.gate.touch()
    for job in jobs:
        assert rest.wait(job)["status"] == "complete"
    fleet.until(lambda: not fleet.states())
    assert fleet.ended() == ["gone"] * 5
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    started = [text for text in fleet.log() if text.startswith("Starts")]
    assert sum(int(text.split()[1]) for text in started) == 5


def test_machines_are_enrolled_where_the_environment_asks_for_it(
    make_fleet: Callable[..., Fleet], rest: Rest
):
    fleet = make_fleet(scale_max=1, requires_enrolled_workers=True)
    job = fleet.run()
    fleet.until(lambda: fleet.states() == ["busy"])
    (machine,) = fleet.machines()
    (worker,) = rest.get(f"environments/{fleet.slug}/workers/")["results"]
    assert worker["machine_id"] == machine["id"]
    assert [agent["identity"] for agent in machine["agents"]] == [worker["identity"]]
    fleet.gate.touch()
    assert rest.wait(job)["status"] == "complete"
    fleet.until(lambda: fleet.ended() == ["gone"])


def test_an_agent_that_is_killed_is_replaced_and_its_job_says_so(
    make_fleet: Callable[..., Fleet], rest: Rest
):
    fleet = make_fleet(scale_min=1, scale_max=2, scale_down_grace_period=60)
    fleet.until(lambda: fleet.states() == ["idle"])
    (first,) = fleet.machines()
    job = fleet.run()
    fleet.until(lambda: fleet.states() == ["busy"])
    fleet.until(
        lambda: rest.execution(job)["status"] == "started"
    )  # before that it would only be queued again
    os.kill(fleet.pid(first), signal.SIGKILL)
    fleet.until(lambda: "idle" in fleet.states())
    assert fleet.ended() == ["lost"]
    assert rest.wait(job)["status"] == "crashed"
    assert "does not have it any more: its process has ended" in " ".join(fleet.log())


def test_drained_it_ends_its_job_first(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_max=1)
    job, second = fleet.run(), fleet.run()
    fleet.until(lambda: fleet.states() == ["busy"])
    (machine,) = fleet.machines()
    fleet.act(machine, "drain")
    time.sleep(4)
    assert fleet.states() == ["draining"]
    assert rest.execution(second)["status"] in {"created", "queued"}
    fleet.gate.touch()
    assert rest.wait(job)["status"] == "complete"
    assert rest.wait(second)["status"] == "complete"
    fleet.until(lambda: not fleet.states())
    assert fleet.ended() == ["gone", "gone"]


def test_terminated_its_job_is_stopped_and_keeps_its_outputs(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_max=1)
    job = fleet.run()
    fleet.until(lambda: fleet.states() == ["busy"])
    rest.wait(job, "started")
    (machine,) = fleet.machines()
    time.sleep(1)
    fleet.act(machine, "terminate")
    assert rest.wait(job)["status"] == "stopped"
    outputs = rest.get("data/", output_execution=job)["results"]
    assert [output["name"] for output in outputs] == ["kept.txt"]
    fleet.until(lambda: not fleet.states())


def test_cordoned_and_restarted(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_min=1, scale_max=1, scale_down_grace_period=60)
    fleet.until(lambda: fleet.states() == ["idle"])
    (machine,) = fleet.machines()
    fleet.act(machine, "cordon")
    job = fleet.run()
    time.sleep(3)
    assert fleet.states() == ["cordoned"]
    assert rest.execution(job)["status"] == "queued"
    fleet.act(machine, "uncordon")
    fleet.gate.touch()
    assert rest.wait(job)["status"] == "complete"
    fleet.act(machine, "restart")
    log = fleet.folder(machine) / "agent.log"
    fleet.until(lambda: "starts again" in log.read_text())
    assert rest.wait(fleet.run())["status"] == "complete"
    assert [m["id"] for m in fleet.machines()] == [machine["id"]]


def test_a_spot_notice_drains_it_and_another_one_comes(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_min=1, scale_max=2, scale_down_grace_period=60)
    fleet.until(lambda: fleet.states() == ["idle"])
    (machine,) = fleet.machines()
    (fleet.folder(machine) / "interruption").write_text(str(time.time() + 120))
    fleet.until(lambda: fleet.ended() == ["gone"])
    fleet.until(lambda: fleet.states() == ["idle"])
    assert "takes it back" in " ".join(fleet.log())


def test_machines_outlive_the_autoscaler(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_max=2)
    jobs = [fleet.run(), fleet.run()]
    fleet.until(lambda: fleet.states() == ["busy", "busy"])
    before = {machine["id"]: fleet.pid(machine) for machine in fleet.machines()}
    old = fleet.platform.pid_of("autoscaler")
    os.kill(old, signal.SIGKILL)
    fleet.platform.wait_until(
        lambda: fleet.platform.has("autoscaler") and fleet.platform.pid_of("autoscaler") != old, 30
    )
    time.sleep(3)
    assert {machine["id"]: fleet.pid(machine) for machine in fleet.machines()} == before
    fleet.gate.touch()
    for job in jobs:
        assert rest.wait(job)["status"] == "complete"
    fleet.until(lambda: not fleet.states())


def test_an_agent_that_cannot_start_is_told_and_not_stormed(make_fleet: Callable[..., Fleet], rest: Rest):
    fleet = make_fleet(scale_max=3, machine_template={"runtime": "docker"})
    if Path("/var/run/docker.sock").exists():
        pytest.skip("an agent with this runtime would work here")
    job = fleet.run()
    fleet.until(lambda: fleet.ended() == ["failed"])
    time.sleep(4)
    assert fleet.ended() == ["failed"]
    assert any("before its agent was heard" in text for text in fleet.log())
    assert any(text.startswith("No machine is started before") for text in fleet.log())
    rest.post(f"executions/{job}/stop/", expect=200)


def test_the_installation_leaves_no_machine_running():
    with data_folder() as folder:
        platform = make_platform(folder, AUTOSCALER_ROUND_SECONDS="1").start(300)
        rest = Rest(platform.url, platform.token)
        rest.post(
            "environments/",
            {"slug": "kept", "name": "kept", "provider": "local", "machine_template": {"runtime": "process"}, "scale_min": 2},
        )  # fmt: skip
        pids: list[int] = []

        def are_up() -> bool:
            machines = rest.get("environments/kept/machines/")["results"]
            return sorted(machine["state"] for machine in machines) == ["idle", "idle"]

        platform.wait_until(are_up, 60)
        pids = [int(path.read_text()) for path in (platform.data / "machines").glob("*/pid")]
        assert len(pids) == 2
        machines = [psutil.Process(pid) for pid in pids]
        assert platform.stop() == 0
        _, left = psutil.wait_procs(machines, timeout=15)
        assert not left
