"""What the planner promises whatever happens, and what a month of it costs."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import inf
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments.autoscaling import backoff
from environments.autoscaling.planner import (
    AtProvider,
    EnvironmentFacts,
    MachineFacts,
    Plan,
    Times,
    plan,
)
from environments.autoscaling.types import ENDED, LEAVING, LIVE, STAYING, MachineStatus
from tests.environments.autoscaling.simulation import (
    ENVIRONMENT,
    HOUR,
    START,
    World,
    moment,
    office_hours,
)

M = MachineStatus
NOW = START + timedelta(hours=5)
moments = st.integers(0, 5 * 3600).map(moment)
machines = st.lists(
    st.builds(
        MachineFacts,
        id=st.uuids(),
        status=st.sampled_from(sorted(LIVE)),
        created_at=moments,
        is_busy=st.booleans(),
        is_heard=st.sampled_from([None, True, True, False]),
        idle_since=st.none() | moments,
        drained_since=st.none() | moments,
        cordoned=st.sampled_from([False, False, False, True]),
        price=st.integers(0, 3).map(Decimal),
        is_fault=st.booleans(),
        was_ready=st.booleans(),
        at_provider=st.sampled_from([AtProvider.PRESENT, AtProvider.PRESENT, AtProvider.ABSENT, AtProvider.UNKNOWN]),
        absent_since=st.none() | moments,
        interrupted_at=st.sampled_from([None, None, NOW]),
    ),
    max_size=12,
    unique_by=lambda m: m.id,
)  # fmt: skip


@st.composite
def situations(draw: st.DrawFn) -> EnvironmentFacts:
    minimum = draw(st.integers(0, 6))
    return EnvironmentFacts(
        ENVIRONMENT, minimum, minimum + draw(st.integers(0, 6)), timedelta(minutes=draw(st.integers(0, 60))),
        waiting=draw(st.integers(0, 20)), machines=tuple(draw(machines)),
        failures=tuple(draw(st.lists(moments, max_size=4))),
    )  # fmt: skip


def after(facts: EnvironmentFacts, plan_: Plan) -> dict[UUID, MachineStatus]:
    return {m.id: m.status for m in facts.machines} | {c.machine_id: c.to for c in plan_.changes}


@given(situations())
@settings(max_examples=400)
def test_promises_of_one_round(facts: EnvironmentFacts):
    decided = plan(facts, NOW, Times())
    statuses = after(facts, decided)
    by_id = {m.id: m for m in facts.machines}

    staying = sum(status in STAYING for status in statuses.values())
    living = sum(status in LIVE for status in statuses.values())
    assert staying + decided.launches <= max(facts.maximum, 0)
    if decided.launches:
        assert living + decided.launches <= facts.maximum

    terminated = [by_id[c.machine_id] for c in decided.changes if c.to is M.TERMINATING]
    assert not [m for m in terminated if m.is_busy or m.status is not M.DRAINING]

    if not decided.launches and not decided.held and not facts.failures:
        faulty = [m for m in facts.machines if m.is_fault] + [c for c in decided.changes if c.is_fault]
        usable = [m for m in facts.machines if statuses[m.id] in STAYING and not m.cordoned]
        need = max(facts.minimum, min(facts.waiting, facts.maximum))
        assert faulty or len(usable) >= need or living >= facts.maximum

    idle_again = [c for c in decided.changes if c.to is M.DRAINING and "idle" in c.reason]
    assert not (idle_again and decided.launches)
    for change in idle_again:
        machine = by_id[change.machine_id]
        assert machine.idle_since is not None
        assert NOW - machine.idle_since >= facts.grace


@given(situations())
@settings(max_examples=200)
def test_the_same_decided_again_changes_nothing_more(facts: EnvironmentFacts):
    """The next look sees what was decided, and nothing else has happened: only steps of single machines are left."""
    decided = plan(facts, NOW, Times())
    statuses = after(facts, decided)
    faults = {c.machine_id for c in decided.changes if c.is_fault}
    kept = tuple(
        replace(m, status=statuses[m.id], is_fault=m.is_fault or m.id in faults, drained_since=None, interrupted_at=None, at_provider=AtProvider.UNKNOWN)
        for m in facts.machines
        if statuses[m.id] not in ENDED
    )  # fmt: skip
    started = tuple(MachineFacts(UUID(int=n + 1), M.REQUESTED, NOW) for n in range(decided.launches))
    ended = {c.machine_id for c in decided.changes if c.to is M.FAILED}
    failed = [NOW for m in facts.machines if m.id in ended and not m.was_ready]
    later = replace(facts, machines=kept + started, failures=(*facts.failures, *failed))
    again = plan(later, NOW, Times())
    assert not again.launches
    assert not [c for c in again.changes if "idle" in c.reason or "too many" in c.reason]


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(1, 3000)), max_size=40), st.data())
@settings(max_examples=25)
def test_whatever_comes_every_job_runs_and_the_fleet_ends_at_its_minimum(
    jobs: list[tuple[int, int]], data: st.DataObject
):
    minimum = data.draw(st.integers(0, 2))
    world = World(minimum=minimum, maximum=minimum + data.draw(st.integers(1, 5)), grace=300)
    chance = random.Random(data.draw(st.integers(0, 1000)))
    world.boot = lambda: chance.choice((20.0, 90.0, 90.0, 200.0, inf))
    arriving = sorted(jobs)
    while arriving or world.queue or any(m.job for m in world.machines):
        while arriving and arriving[0][0] <= world.now:
            world.submit(arriving.pop(0)[1])
        world.step()
        assert len(world.live) <= world.maximum
        if chance.random() < 0.002 and world.running:
            world.kill(chance.choice(world.running))
        assert world.now < 400 * HOUR, "it never ends"
    world.boot = lambda: 20.0
    world.run(3 * HOUR)
    assert len(world.running) == minimum
    assert {m.status for m in world.live} <= {M.READY}
    settled = len(world.plans)
    world.run(HOUR)
    assert len(world.plans) == settled, "it does something though nothing changes"


def test_the_maximum_may_fall_below_the_count_and_no_job_is_killed():
    world = World(maximum=5)
    jobs = [world.submit(1200) for _ in range(10)]
    world.run(600)
    assert len(world.running) == 5
    world.maximum = 2
    world.run(5)
    assert sum(m.status in LEAVING for m in world.machines) == 3
    world.run(3 * HOUR)
    assert all(job.ended for job in jobs)
    assert max(len([j for j in jobs if j.began <= t < j.ended]) for t in range(2000, 9000, 50)) <= 2


def test_an_image_that_never_enrols_is_not_stormed():
    world = World(maximum=5, boot=lambda: inf)
    for _ in range(20):
        world.submit(60)
    world.run(24 * HOUR)
    assert len(world.attempts) <= 5 + 24 * 4, "not more than one try in a quarter of an hour"
    world.boot = lambda: 60.0
    world.run(HOUR)
    assert not world.queue


def test_a_provider_that_refuses_is_asked_ever_more_rarely_and_then_again():
    world = World(maximum=5, launch_fails=lambda now: "No capacity." if now < 2 * HOUR else "")
    for _ in range(5):
        world.submit(60)
    world.run(2 * HOUR)
    assert 8 <= len(world.attempts) <= 5 + 15
    world.run(20 * 60)
    assert not world.queue


@pytest.mark.parametrize(
    ("seconds", "pause"), [([0], 30), ([0, 1, 2], 30), ([0, 100], 60), ([100 * n for n in range(12)], 900)]
)
def test_pauses_double_up_to_a_quarter_of_an_hour(seconds: list[int], pause: int):
    failures = [moment(second) for second in seconds]
    assert backoff.next_try(failures) == failures[-1] + timedelta(seconds=pause)


def month(seed: int, *, grace: float = 900.0, days: int = 30) -> World:
    chance = random.Random(seed)
    world = World(maximum=10, grace=grace, round_seconds=15.0)
    world.boot = lambda: chance.uniform(60, 150) if chance.random() > 0.01 else inf
    for arrived, seconds in sorted(office_hours(chance, days)):
        while world.now < arrived:
            world.step()
        world.submit(seconds)
        if chance.random() < 0.01 and world.running:
            world.kill(chance.choice(world.running))
    world.run(24 * HOUR)
    return world


@pytest.mark.parametrize("seed", [1])
def test_a_month_of_office_hours(seed: int):
    world = month(seed)
    assert len(world.jobs) > 1500
    assert not world.queue
    waits = sorted(job.began - job.arrived for job in world.jobs if job.began is not None)
    work_hours = sum(job.seconds for job in world.jobs) / HOUR
    machine_hours = world.machine_seconds / HOUR
    always_on = 10 * 31 * 24

    assert waits[len(waits) // 2] <= 150, "half of the jobs wait no longer than a machine takes to start"
    assert waits[int(len(waits) * 0.9)] <= 45 * 60
    assert work_hours <= machine_hours <= work_hours * 1.9, (
        f"{machine_hours:.0f} h for {work_hours:.0f} h of work"
    )
    assert machine_hours < always_on / 4
    assert not world.live, "nothing is left running after the last job"
    per_job = world.launched / len(world.jobs)
    assert per_job < 0.75, "machines are used again"


def test_a_longer_grace_period_buys_less_waiting_with_more_hours():
    short, long = month(3, grace=60, days=5), month(3, grace=3600, days=5)
    assert short.machine_seconds < long.machine_seconds
    assert short.launched > long.launched
    median = [
        sorted(j.began - j.arrived for j in w.jobs if j.began is not None)[len(w.jobs) // 2]
        for w in (short, long)
    ]
    assert median[0] >= median[1]
