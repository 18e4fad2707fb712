"""The local provider by itself: real processes, known by their tag, whatever is asked twice or dies in between."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from environments.autoscaling.providers.base import LaunchOrder, Place, Provider
from environments.autoscaling.providers.local import LocalProvider, end_all

SLEEPER = ("sleep", "300")
PLACE = Place(uuid4(), "gpu", {"runtime": "process"})


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[LocalProvider]:
    yield LocalProvider(tmp_path / "machines", SLEEPER)
    end_all(tmp_path / "machines")


def order(machine_id: UUID | None = None, place: Place = PLACE) -> LaunchOrder:
    return LaunchOrder(machine_id or uuid4(), place, {"QUEUES": "gpu", "PEON_MACHINE_ID": str(machine_id)})


def pid_of(provider: LocalProvider, machine_id: UUID) -> int:
    return int((provider._root / str(machine_id) / "pid").read_text())


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_it_is_a_provider(provider: LocalProvider):
    known: Provider = provider
    assert known.name == "local"


def test_a_machine_is_started_listed_and_ended(provider: LocalProvider):
    made = provider.launch(order())
    assert made.is_running
    assert [machine.machine_id for machine in provider.list(PLACE)] == [made.machine_id]
    assert provider.list(Place(uuid4(), "other")) == []
    pid = pid_of(provider, made.machine_id)
    assert is_alive(pid)
    provider.terminate(PLACE, made.machine_id, made.provider_id)
    assert not is_alive(pid)
    assert provider.list(PLACE) == []
    provider.terminate(PLACE, made.machine_id, made.provider_id)


def test_asked_twice_it_starts_one(provider: LocalProvider):
    machine_id = uuid4()
    provider.launch(order(machine_id))
    pid = pid_of(provider, machine_id)
    again = LocalProvider(provider._root, SLEEPER)  # as after a restart of the autoscaler
    assert again.launch(order(machine_id)).is_running
    assert pid_of(again, machine_id) == pid
    assert len(again.list(PLACE)) == 1


def test_one_that_was_killed_is_told_to_have_ended(provider: LocalProvider):
    made = provider.launch(order())
    os.kill(pid_of(provider, made.machine_id), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while provider.list(PLACE)[0].is_running:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "ended" in provider.list(PLACE)[0].end_reason


def test_a_number_that_belongs_to_another_program_is_left_alone(provider: LocalProvider):
    made = provider.launch(order())
    own = pid_of(provider, made.machine_id)
    stranger = psutil.Popen(["sleep", "60"])
    try:
        (provider._root / str(made.machine_id) / "pid").write_text(str(stranger.pid))
        assert not provider.list(PLACE)[0].is_running
        provider.terminate(PLACE, made.machine_id, made.provider_id)
        assert stranger.is_running()
    finally:
        stranger.kill()
        stranger.wait()
        os.killpg(own, signal.SIGKILL)


def test_one_that_ignores_signals_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("environments.autoscaling.providers.local.END_SECONDS", 0.5)
    stubborn = LocalProvider(
        tmp_path / "machines", ("sh", "-c", "trap '' INT TERM; sleep 301 & while :; do sleep 1; done")
    )
    made = stubborn.launch(order())
    time.sleep(0.3)
    group = pid_of(stubborn, made.machine_id)
    stubborn.terminate(PLACE, made.machine_id, made.provider_id)
    assert not [p for p in psutil.process_iter() if is_alive(p.pid) and _group(p.pid) == group]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_the_agents_environment_has_no_secret_of_the_server(
    provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET_KEY", "s3cret-key")
    monkeypatch.setenv("DATABASE_URL", "postgres://s3cret")
    made = provider.launch(order())
    environment = Path(f"/proc/{pid_of(provider, made.machine_id)}/environ").read_bytes()
    assert b"s3cret" not in environment
    assert b"RUNTIME=process" in environment


def test_a_notice_is_a_file(provider: LocalProvider):
    made = provider.launch(order())
    (provider._root / str(made.machine_id) / "interruption").write_text("1767225600")
    assert provider.list(PLACE)[0].interrupted_at.isoformat() == "2026-01-01T00:00:00+00:00"
    (provider._root / str(made.machine_id) / "interruption").write_text("soon")
    assert provider.list(PLACE)[0].interrupted_at is None


@pytest.mark.parametrize("provider_id", ["../agent", "/etc", "..", ""])
def test_nothing_outside_its_folder_is_touched(provider: LocalProvider, tmp_path: Path, provider_id: str):
    (tmp_path / "agent").mkdir()
    provider.launch(order())
    provider.terminate(PLACE, None, provider_id)
    assert (tmp_path / "agent").exists()
    assert len(provider.list(PLACE)) == 1


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ({}, ""),
        ({"runtime": "docker"}, ""),
        ({"runtime": "vm"}, "one of"),
        ({"runtim": "docker"}, "no setting"),
    ],
)
def test_what_a_template_may_say(provider: LocalProvider, template: dict[str, str], fault: str):
    problems = provider.problems(template)
    assert bool(problems) == bool(fault)
    assert fault in " ".join(problems)
