"""Machines that are agents on the platform's own host: each a process group with a folder of its own.

For one host with several queues, and to try autoscaling without a cloud. What a machine is stands in its folder below
`DATA_DIR/machines`, so that machines outlive the autoscaler: `machine.json` (whose it is), `pid` (written by the process itself
before it becomes the agent), `agent.log`, `agent/` (the agent's own folder). A file `interruption` with a Unix time is a spot
notice: the agent is drained.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from common.agent_environment import for_agents
from environments.autoscaling.providers.base import LaunchOrder, Place, ProviderError, ProviderMachine
from environments.autoscaling.types import agent_identity

RUNTIMES = ("auto", "docker", "process")
AGENT = (sys.executable, "-m", "peon", "run", "--config", os.devnull)
END_SECONDS = 15
KEPT_SECONDS = 600
"""How long a machine that has ended stays in the list, with its log."""
_START_SECONDS = 10
ENROL = (sys.executable, "-m", "peon", "enrol", "--config", os.devnull)
# `set -C`: of two processes for one machine only the first becomes the agent. One with a token is let in first.
_BECOME = f"""set -C
echo $$ > "$0" || exit 0
if [ -n "$PEON_TOKEN" ]; then {shlex.join(ENROL)} || exit 1; unset PEON_TOKEN; fi
exec "$@"
"""


class LocalProvider:
    name = "local"
    label = "This host: agents as processes"
    template_help = 'The agent\'s runtime, such as {"runtime": "process"}; auto, docker or process.'
    list_seconds = 2.0
    absence_seconds = 0.0

    def __init__(self, root: Path | None = None, agent: Sequence[str] = AGENT) -> None:
        self._root = root or Path(settings.DATA_DIR) / "machines"
        self._agent = tuple(agent)
        self._children: list[subprocess.Popen[bytes]] = []

    def problems(self, template: Mapping[str, Any]) -> list[str]:
        found = [
            f"There is no setting '{str(name)[:64]}'. Use runtime." for name in template if name != "runtime"
        ]
        if template.get("runtime", "auto") not in RUNTIMES:
            found.append(f"The runtime is one of {', '.join(RUNTIMES)}.")
        return found

    def launch(self, order: LaunchOrder) -> ProviderMachine:
        folder = self._root / str(order.machine_id)
        try:
            with _locked(self._root):
                if not (folder / "pid").exists():
                    self._start(folder, order)
        except OSError as error:
            raise ProviderError(f"The agent cannot be started on this host: {error.strerror}.") from error
        return _look(folder)

    def terminate(self, place: Place, machine_id: UUID | None, provider_id: str) -> None:
        """Its jobs have ended, or are ended with it."""
        try:
            folder = self._root / str(machine_id or UUID(provider_id))
        except ValueError:
            return  # no name that this provider gave
        if folder.exists():
            end(folder)
            self._reap()
            shutil.rmtree(folder, ignore_errors=True)

    def list(self, place: Place) -> list[ProviderMachine]:
        self._reap()
        mine = [f for f in _folders(self._root) if _note(f).get("environment") == str(place.environment_id)]
        return [_look(folder) for folder in mine if not _forget_if_old(folder)]

    def _start(self, folder: Path, order: LaunchOrder) -> None:
        (folder / "agent").mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "agent" / "identity").write_text(agent_identity(order.machine_id))
        note = {"environment": str(order.place.environment_id), "started_at": time.time()}
        (folder / "machine.json").write_text(json.dumps(note))
        with (folder / "agent.log").open("ab") as log:
            child = subprocess.Popen(
                ["sh", "-c", _BECOME, str(folder / "pid"), *self._agent],
                env=self._environment(folder, order), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._children.append(child)
        deadline = time.monotonic() + _START_SECONDS
        while _pid(folder) is None and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def _environment(self, folder: Path, order: LaunchOrder) -> dict[str, str]:
        runtime = {"RUNTIME": str(order.place.template.get("runtime", "auto"))}
        own = {"PEON_DIR": str(folder / "agent"), "PEON_MACHINE_ID": str(order.machine_id)}
        return {**for_agents(os.environ), **runtime, **order.agent_settings, **own}

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]


def end_all(root: Path) -> int:
    """The installation stops: no agent stays. Their jobs are asked to end first, all at the same time. An exit code."""
    folders = _folders(root)
    for folder in folders:
        _signal(folder, signal.SIGINT)
    deadline = time.monotonic() + END_SECONDS
    for folder in folders:
        _end_by(folder, deadline)
    return 0


def end(folder: Path) -> None:
    _signal(folder, signal.SIGINT)
    _end_by(folder, time.monotonic() + END_SECONDS)


def _end_by(folder: Path, deadline: float) -> None:
    while _running_pid(folder) is not None:
        if time.monotonic() > deadline:
            _signal(folder, signal.SIGKILL)
        time.sleep(0.05)


def _signal(folder: Path, number: signal.Signals) -> None:
    """SIGKILL goes to the whole group: nothing of the machine stays."""
    pid = _running_pid(folder)
    if pid is None:
        return
    try:
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        pass


def _look(folder: Path) -> ProviderMachine:
    is_running = _running_pid(folder) is not None or _is_being_started(folder)
    return ProviderMachine(
        provider_id=folder.name,
        machine_id=UUID(folder.name),
        is_running=is_running,
        end_reason="" if is_running else "its process has ended; agent.log in its folder says more",
        interrupted_at=_interruption(folder),
    )


def _folders(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/machine.json"))


def _note(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / "machine.json").read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _pid(folder: Path) -> int | None:
    try:
        return int((folder / "pid").read_text())
    except (OSError, ValueError):
        return None


def _running_pid(folder: Path) -> int | None:
    """Its process, unless the number belongs to another program by now. A dead one that nobody waited for has no environment."""
    pid = _pid(folder)
    if pid is None:
        return None
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    return pid if f"PEON_MACHINE_ID={folder.name}".encode() in environment.split(b"\0") else None


def _is_being_started(folder: Path) -> bool:
    """Its process has not said its number yet."""
    since = _note(folder).get("started_at")
    return (
        not (folder / "pid").exists()
        and isinstance(since, float)
        and time.time() - since < 2 * _START_SECONDS
    )


def _interruption(folder: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(float((folder / "interruption").read_text()), UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _forget_if_old(folder: Path) -> bool:
    """Remove what is left of a machine that ended a while ago."""
    if _running_pid(folder) is not None:
        return False
    try:
        changed_at = max((folder / name).stat().st_mtime for name in ("machine.json", "agent.log"))
    except OSError:
        return False
    if time.time() - changed_at < KEPT_SECONDS:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
