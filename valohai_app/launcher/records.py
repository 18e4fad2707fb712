"""What runs, on disk: one launcher per data folder, and a killed one's leftovers are found and ended by the next."""

import fcntl
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

START_TIME_TOLERANCE_SECONDS = 2
"""Start times come from the boot time plus ticks, and the clock may have been set meanwhile."""
LEFTOVER_GRACE_SECONDS = 5


class AlreadyRunning(Exception):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The platform runs already with the data in {folder.parent}. Stop that one, or give --data another folder."
        )


class RunRecord:
    """`DATA/run/platform.json`, and the lock beside it that the kernel frees when the launcher dies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "platform.json"
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(folder) from None
        self.facts: dict[str, Any] = {}
        self._processes: dict[str, dict[str, float]] = {}

    def leftovers(self) -> list[tuple[psutil.Process, int]]:
        """Processes of the last launcher that still run, each with the signal that ends it."""
        try:
            recorded = json.loads(self.path.read_text())["processes"]
        except (FileNotFoundError, ValueError, KeyError):
            return []
        found = ((_process(entry), int(entry["end_signal"])) for entry in recorded.values())
        return [(process, end_signal) for process, end_signal in found if process is not None]

    def add(self, name: str, pid: int, end_signal: int) -> None:
        started_at = psutil.Process(pid).create_time()
        self._processes[name] = {"pid": pid, "started_at": started_at, "end_signal": int(end_signal)}
        self.save()

    def remove(self, name: str) -> None:
        self._processes.pop(name, None)
        self.save()

    def save(self) -> None:
        fresh = self.path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"pid": os.getpid(), **self.facts, "processes": self._processes}, file, indent=1)
        fresh.rename(self.path)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


def end_leftovers(leftovers: list[tuple[psutil.Process, int]]) -> None:
    """Ask, wait a little, then end them with everything that they started."""
    for process, end_signal in leftovers:
        _signal(process, end_signal)
    _, alive = psutil.wait_procs([process for process, _ in leftovers], timeout=LEFTOVER_GRACE_SECONDS)
    for process in alive:
        for descendant in _descendants(process):
            _signal(descendant, signal.SIGKILL)
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=LEFTOVER_GRACE_SECONDS)


def _process(entry: Mapping[str, float]) -> psutil.Process | None:
    try:
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - entry["started_at"]) <= START_TIME_TOLERANCE_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return found


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
