"""Keeps child processes running: collects what they print, starts dead ones again, stops all of them in order.

One thread and one loop: forking needs a process without threads.
"""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from valohai_app.launcher.children import fork
from valohai_app.launcher.output import CombinedLog, LineReader
from valohai_app.launcher.records import RunRecord

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A process that lived as long as this died by accident; its next start is not delayed."""
POLL_SECONDS = 0.02


class Stopped(Exception):
    """Somebody asked the launcher to end."""


@dataclass(frozen=True)
class Service:
    """One process to keep running."""

    name: str
    run: Callable[[], int]
    end_signal: int
    grace_seconds: float
    prepare: Callable[[], None] | None = None
    user: int | None = None
    orphan_signal: int = signal.SIGKILL
    """What the kernel sends when the launcher dies without saying so."""


@dataclass
class _Child:
    service: Service
    pid: int
    started_at: float
    pauses: int = 0


class Supervisor:
    def __init__(self, log: CombinedLog, record: RunRecord) -> None:
        self._log = log
        self._record = record
        self._children: dict[int, _Child] = {}
        self._due: list[tuple[float, _Child]] = []
        self._ended: dict[int, int] = {}
        self._stops_asked = 0
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake_up_on_signals()

    def start(self, service: Service, pauses: int = 0) -> None:
        if service.prepare:
            service.prepare()
        pid = self._fork(service.name, service.run, service.orphan_signal, service.user)
        self._children[pid] = _Child(service, pid, time.monotonic(), pauses)
        self._record.add(service.name, pid, service.end_signal)

    def run_once(self, name: str, run: Callable[[], int]) -> int:
        """Run something to its end, as a process of its own; its exit code."""
        pid = self._fork(name, run, signal.SIGKILL, None)
        self.wait_until(lambda: pid in self._ended)
        return self._ended.pop(pid)

    def wait_until(self, condition: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Go on until the condition holds; False when it took too long. Raises `Stopped`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._turn(POLL_SECONDS)
        return True

    def run_until_stopped(self) -> None:
        with contextlib.suppress(Stopped):
            while True:
                self._turn(None)

    def stop(self, order: Iterable[Iterable[str]]) -> None:
        """End the named services group by group; whoever takes longer than its grace is killed. So are the rest."""
        for names in order:
            self.stop_some(names)
        self._stop_group(list(self._children.values()))

    def stop_some(self, names: Iterable[str]) -> None:
        """End the named services; from now on nothing is started again."""
        self._stopping = True
        self._due.clear()
        self._stop_group([child for child in self._children.values() if child.service.name in set(names)])

    def _stop_group(self, group: list[_Child]) -> None:
        for child in group:
            _send(child.pid, child.service.end_signal)
        hurried = self._stops_asked
        deadline = time.monotonic() + max((child.service.grace_seconds for child in group), default=0)
        while self._alive(group) and time.monotonic() < deadline and self._stops_asked == hurried:
            self._turn(POLL_SECONDS)
        for child in self._alive(group):
            self._log.write("launcher", f"{child.service.name} did not end in time and is killed")
            _send_to_session(child.pid)
        while self._alive(group):
            self._turn(POLL_SECONDS)

    def _alive(self, group: list[_Child]) -> list[_Child]:
        return [child for child in group if child.pid in self._children]

    def _fork(self, name: str, run: Callable[[], int], orphan_signal: int, user: int | None) -> int:
        reading, writing = os.pipe()
        pid = fork(run, end_signal=orphan_signal, output=writing, user=user)
        os.close(writing)
        self._selector.register(reading, selectors.EVENT_READ, (name, LineReader(reading)))
        return pid

    def _turn(self, longest_seconds: float | None) -> None:
        """Wait for output, signals or the time of a restart; deal with them."""
        if self._stops_asked and not self._stopping:
            raise Stopped
        if self._due:
            until_due = max(0.0, min(at for at, _ in self._due) - time.monotonic())
            longest_seconds = until_due if longest_seconds is None else min(longest_seconds, until_due)
        for key, _ in self._selector.select(longest_seconds):
            name, reader = key.data
            if name is None:
                self._collect_dead()
            else:
                self._copy_output(name, reader)
        self._start_due()

    def _copy_output(self, name: str, reader: LineReader) -> None:
        lines, more = reader.read()
        for line in lines:
            self._log.write(name, line)
        if not more:
            self._selector.unregister(reader.descriptor)
            os.close(reader.descriptor)

    def _collect_dead(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended[pid] = os.waitstatus_to_exitcode(status)
            if pid in self._children:
                self._lost(self._children.pop(pid), self._ended.pop(pid))

    def _lost(self, child: _Child, exit_code: int) -> None:
        self._record.remove(child.service.name)
        _send_to_session(child.pid)
        if self._stopping:
            return
        steady = time.monotonic() - child.started_at > STEADY_SECONDS
        child.pauses = 0 if steady else child.pauses
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**child.pauses)
        self._log.write(
            "launcher", f"{child.service.name} ended with {exit_code}; it starts again in {pause:.1f} s"
        )
        self._due.append((time.monotonic() + pause, child))

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [child for at, child in self._due if at <= now]
        self._due = [(at, child) for at, child in self._due if at > now]
        for child in due:
            self.start(child.service, child.pauses + 1)

    def _wake_up_on_signals(self) -> None:
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, (None, None))

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._stops_asked += 1


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _send_to_session(pid: int) -> None:
    """End what a service left in its session; it was the leader of its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
