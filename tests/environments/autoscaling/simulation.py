"""A provider, agents and users in virtual time: what the planner decides has consequences, and the next look sees them."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from environments.autoscaling.planner import (
    AtProvider,
    EnvironmentFacts,
    MachineFacts,
    Orphan,
    Plan,
    Times,
    plan,
)
from environments.autoscaling.types import ENDED, LIVE, MachineStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = UUID(int=1)
M = MachineStatus
HOUR = 3600.0


@dataclass
class Job:
    arrived: float
    seconds: float
    began: float | None = None
    ended: float | None = None


@dataclass
class Machine:
    """Times are seconds of virtual time."""

    id: UUID
    created: float
    price: Decimal = Decimal(1)
    status: MachineStatus = M.REQUESTED
    agent_at: float = 0.0
    """When its agent is up; infinity: never."""
    job: Job | None = None
    idle_since: float | None = None
    drained_since: float | None = None
    is_told: bool = False
    is_fault: bool = False
    was_ready: bool = False
    exists: bool = False
    """At the provider."""
    started: float | None = None
    reason: str = ""


@dataclass
class World:
    minimum: int = 0
    maximum: int = 5
    grace: float = 900.0
    boot: Callable[[], float] = lambda: 90.0
    """Seconds from a launch to an agent; infinity: it never comes up."""
    launch_fails: Callable[[float], str] = lambda now: ""
    round_seconds: float = 5.0
    times: Times = field(default_factory=Times)

    now: float = 0.0
    queue: deque[Job] = field(default_factory=deque)
    machines: list[Machine] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)
    last_failure: str = ""
    plans: list[tuple[float, Plan]] = field(default_factory=list)
    machine_seconds: float = 0.0
    launched: int = 0
    attempts: list[float] = field(default_factory=list)
    _number: int = 0

    @property
    def live(self) -> list[Machine]:
        return [m for m in self.machines if m.status in LIVE]

    @property
    def running(self) -> list[Machine]:
        return [m for m in self.machines if m.exists]

    def submit(self, seconds: float) -> Job:
        job = Job(self.now, seconds)
        self.jobs.append(job)
        self.queue.append(job)
        return job

    def step(self) -> Plan:
        """One round, and the work until the next one."""
        self._work()
        plan_ = plan(self.facts(), moment(self.now), self.times)
        self._carry_out(plan_)
        self._check(plan_)
        self.machine_seconds += len(self.running) * self.round_seconds
        if plan_.changes or plan_.end_orphans:
            self.machines = [m for m in self.machines if m.exists or m.status in LIVE]
        self.now += self.round_seconds
        return plan_

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.step()

    def facts(self) -> EnvironmentFacts:
        return EnvironmentFacts(
            id=ENVIRONMENT,
            minimum=self.minimum,
            maximum=self.maximum,
            grace=timedelta(seconds=self.grace),
            waiting=len(self.queue),
            machines=tuple(self._seen(m) for m in self.live),
            orphans=tuple(
                Orphan(str(m.id), m.id, m.job is not None, stamp(m.drained_since))
                for m in self.machines
                if m.exists and m.status in ENDED
            ),
            failures=tuple(moment(at) for at in self.failures),
            last_failure=self.last_failure,
        )

    def kill(self, machine: Machine) -> None:
        """As a host that loses power; its job is queued again."""
        machine.exists = False
        if machine.job is not None:
            self.queue.appendleft(Job(self.now, machine.job.seconds))
            machine.job = None

    def _seen(self, m: Machine) -> MachineFacts:
        at = AtProvider.UNKNOWN
        if m.started is not None or m.status is M.TERMINATING:
            at = AtProvider.PRESENT if m.exists else AtProvider.ABSENT
        return MachineFacts(
            id=m.id, status=m.status, created_at=moment(m.created), is_busy=m.job is not None,
            is_heard=m.exists and m.agent_at <= self.now, idle_since=stamp(m.idle_since),
            drained_since=stamp(m.drained_since), price=m.price, is_fault=m.is_fault, was_ready=m.was_ready,
            at_provider=at, end_at_provider="" if m.exists or m.started is None else "killed",
        )  # fmt: skip

    def _work(self) -> None:
        for m in self.machines:
            if m.job is not None and m.job.began is not None and m.job.began + m.job.seconds <= self.now:
                m.job.ended = m.job.began + m.job.seconds
                m.idle_since = m.job.ended
                m.job = None
            if m.is_told and m.drained_since is None:
                m.drained_since = self.now
            is_up = m.exists and m.agent_at <= self.now
            if is_up and m.idle_since is None and m.job is None:
                m.idle_since = self.now
            if is_up and m.job is None and not m.is_told and self.queue:
                m.job = self.queue.popleft()
                m.job.began = self.now
                m.idle_since = None

    def _carry_out(self, plan_: Plan) -> None:
        by_id = {m.id: m for m in self.machines}
        for change in plan_.changes:
            m = by_id[change.machine_id]
            m.status = change.to
            m.reason = change.reason or m.reason
            m.is_fault = m.is_fault or change.is_fault
            if change.to is M.READY:
                m.was_ready = True
                self.failures = []
            if change.to is M.DRAINING:
                m.is_told = True
            if change.to is M.TERMINATING:
                assert m.job is None, "a machine with a job was terminated"
                m.exists = False
            if change.to in ENDED and m.is_fault and not m.was_ready:
                self._note_failure(m.reason)
        for orphan in plan_.drain_orphans:
            by_id[orphan.machine_id].is_told = True  # type: ignore[index]
        for orphan in plan_.end_orphans:
            assert by_id[orphan.machine_id].job is None, "an orphan with a job was terminated"  # type: ignore[index]
            by_id[orphan.machine_id].exists = False  # type: ignore[index]
        for _ in range(plan_.launches):
            self._launch()
        if plan_.launches or plan_.changes or plan_.notes:
            self.plans.append((self.now, plan_))

    def _launch(self) -> None:
        self._number += 1
        m = Machine(UUID(int=self._number), self.now)
        self.machines.append(m)
        self.attempts.append(self.now)
        why = self.launch_fails(self.now)
        if why:
            m.status, m.is_fault = M.FAILED, True
            self._note_failure(why)
            return
        m.status, m.exists, m.started = M.STARTING, True, self.now
        m.agent_at = self.now + self.boot()
        self.launched += 1

    def _note_failure(self, why: str) -> None:
        self.failures.append(self.now)
        self.last_failure = why

    def _check(self, plan_: Plan) -> None:
        """What holds at every moment."""
        drained = sum(change.to is M.DRAINING and not change.is_fault for change in plan_.changes)
        interrupted = any("takes it back" in change.reason for change in plan_.changes)
        assert not (plan_.launches and drained) or interrupted, "it ended and started machines in one round"


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stamp(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def office_hours(chance: random.Random, days: int) -> Iterator[tuple[float, float]]:
    """(arrival, seconds) of jobs: people submit by day in bursts, a sweep now and then, little at night and weekends."""
    for day in range(days):
        is_weekend = day % 7 in {5, 6}
        for hour in range(24):
            busy = 6.0 if 9 <= hour < 18 and not is_weekend else 0.4
            for _ in range(_poisson(chance, busy)):
                start = day * 24 * HOUR + hour * HOUR + chance.random() * HOUR
                for _ in range(chance.choice((1, 1, 1, 1, 3, 8))):
                    yield start, min(8 * HOUR, chance.lognormvariate(6.2, 1.1))


def _poisson(chance: random.Random, mean: float) -> int:
    number, spent = 0, chance.expovariate(mean)
    while spent < 1:
        number += 1
        spent += chance.expovariate(mean)
    return number
