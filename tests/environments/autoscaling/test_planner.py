"""The planner's single decisions, each as a situation and what follows from it."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from environments.autoscaling.planner import (
    AtProvider,
    EnvironmentFacts,
    MachineFacts,
    Orphan,
    Plan,
    Times,
    plan,
)
from environments.autoscaling.types import DecisionKind, MachineStatus
from tests.environments.autoscaling.simulation import ENVIRONMENT, START

M = MachineStatus
NOW = START + timedelta(hours=5)
GRACE = timedelta(minutes=15)


def machine(number: int, status: MachineStatus = M.READY, **fields: object) -> MachineFacts:
    """Heard, at the provider, created `number` minutes after the start."""
    values = {"is_heard": True, "at_provider": AtProvider.PRESENT, "was_ready": status is M.READY, **fields}
    return MachineFacts(UUID(int=number), status, START + timedelta(minutes=number), **values)


def idle(number: int, minutes: float = 60, **fields: object) -> MachineFacts:
    return machine(number, idle_since=NOW - timedelta(minutes=minutes), **fields)


def busy(number: int, **fields: object) -> MachineFacts:
    return machine(number, is_busy=True, **fields)


def starting(number: int, age_minutes: float = 1, **fields: object) -> MachineFacts:
    values = {"is_heard": False, "at_provider": AtProvider.PRESENT, **fields}
    return MachineFacts(UUID(int=number), M.STARTING, NOW - timedelta(minutes=age_minutes), **values)


def decide(*machines: MachineFacts, minimum: int = 0, maximum: int = 5, **fields: object) -> Plan:
    facts = EnvironmentFacts(ENVIRONMENT, minimum, maximum, GRACE, machines=machines, **fields)
    return plan(facts, NOW, Times())


def changes(plan_: Plan) -> dict[int, MachineStatus]:
    return {change.machine_id.int: change.to for change in plan_.changes}


def said(plan_: Plan) -> list[str]:
    return [note.text for note in plan_.notes]


def test_starts_what_jobs_wait_for_up_to_the_maximum():
    assert decide(waiting=3).launches == 3
    assert decide(waiting=30).launches == 5
    assert decide(busy(1), busy(2), waiting=5).launches == 3
    assert said(decide(busy(1), busy(2), waiting=5)) == [
        "Starts 3 machines: 5 jobs wait, 2 of at most 5 run."
    ]


def test_machines_that_start_count_as_capacity():
    assert decide(starting(1), starting(2), waiting=2).launches == 0
    assert decide(starting(1), waiting=2).launches == 1


def test_idle_machines_count_as_capacity():
    assert decide(idle(1), waiting=1).launches == 0


def test_keeps_the_minimum_without_work():
    assert decide(minimum=2).launches == 2
    assert decide(idle(1), idle(2), minimum=2) == Plan()


def test_ends_idle_machines_after_the_grace_period():
    assert changes(decide(idle(1, minutes=16), idle(2, minutes=14))) == {1: M.DRAINING}
    assert said(decide(idle(1), idle(2))) == ["2 machines: idle for 15 minutes or more, and not needed."]


def test_ends_expensive_machines_first_then_the_oldest():
    cheap, dear = Decimal("0.1"), Decimal(3)
    fleet = (idle(1, price=cheap), idle(2, price=dear), idle(3, price=cheap))
    assert list(changes(decide(*fleet, minimum=2))) == [2]
    assert list(changes(decide(*fleet, minimum=1))) == [2, 1]


def test_never_drains_a_busy_machine_for_want_of_work():
    assert decide(busy(1), busy(2)) == Plan()


def test_waits_while_something_leaves_for_what_the_maximum_allows():
    leaving = [machine(n, M.DRAINING, is_busy=True) for n in (1, 2)]
    assert decide(*leaving, maximum=3, waiting=5).launches == 1


def test_maximum_below_the_current_count_ends_idle_ones_first_and_lets_jobs_end():
    fleet = (busy(1), idle(2, minutes=1), busy(3), starting(4))
    assert changes(decide(*fleet, maximum=3)) == {2: M.DRAINING}
    assert changes(decide(*fleet, maximum=2)) == {2: M.DRAINING, 4: M.DRAINING}
    assert changes(decide(*fleet, maximum=1)) == {2: M.DRAINING, 4: M.DRAINING, 1: M.DRAINING}
    assert said(decide(*fleet, maximum=3)) == ["1 machine: too many: the maximum is 3. Running jobs may end."]


def test_what_leaves_already_ends_no_others():
    assert decide(machine(1, M.DRAINING, is_busy=True), busy(2), maximum=1) == Plan()


def test_a_drained_machine_is_terminated_when_that_stands_and_no_job_is_left():
    since = NOW - timedelta(seconds=5)
    assert changes(decide(machine(1, M.DRAINING, drained_since=since))) == {1: M.TERMINATING}
    assert decide(machine(1, M.DRAINING, drained_since=since, is_busy=True)) == Plan()
    assert decide(machine(1, M.DRAINING, drained_since=NOW)) == Plan()
    assert decide(machine(1, M.DRAINING)) == Plan()


def test_it_is_gone_when_the_provider_does_not_have_it():
    absent = {"at_provider": AtProvider.ABSENT}
    assert changes(decide(machine(1, M.TERMINATING, **absent))) == {1: M.GONE}
    assert changes(decide(machine(1, M.TERMINATING, is_fault=True, **absent))) == {1: M.FAILED}
    assert decide(machine(1, M.TERMINATING, at_provider=AtProvider.UNKNOWN)) == Plan()


def test_its_agent_is_heard():
    assert changes(decide(starting(1, is_heard=True), waiting=1)) == {1: M.READY}


def test_a_machine_that_never_enrols_is_ended_and_told():
    decided = decide(starting(1, age_minutes=10), waiting=1)
    assert changes(decided) == {1: M.DRAINING}
    assert "not heard within 10 minutes" in said(decided)[0]
    assert decided.launches == 0, "the next one waits until this failure has cooled down"
    leaves = machine(1, M.DRAINING, is_fault=True, was_ready=False, is_heard=False)
    assert decide(leaves, waiting=1) == Plan(), "nothing is said again while it leaves"


def test_a_silent_machine_is_ended_and_replaced():
    decided = decide(machine(1, is_heard=False), waiting=1)
    assert changes(decided) == {1: M.DRAINING}
    assert decided.launches == 1


def test_a_silent_machine_with_a_job_is_left_to_its_lease():
    assert decide(machine(1, is_heard=False, is_busy=True)) == Plan()


def test_what_is_heard_is_unknown_after_redis_came_up():
    assert decide(busy(1, is_heard=None), machine(2, is_heard=None)) == Plan()


def test_a_lost_machine_is_replaced_at_once_when_the_provider_says_that_it_ended():
    decided = decide(machine(1, at_provider=AtProvider.ABSENT, end_at_provider="killed"), minimum=1)
    assert changes(decided) == {1: M.LOST}
    assert decided.launches == 1
    assert [note.kind for note in decided.notes] == [DecisionKind.LOST, DecisionKind.LAUNCHED]


@pytest.mark.parametrize(("seconds", "is_lost"), [(None, False), (30, False), (60, True)])
def test_a_machine_that_is_only_missing_in_a_list_is_given_time(seconds: int | None, is_lost: bool):
    since = None if seconds is None else NOW - timedelta(seconds=seconds)
    decided = decide(machine(1, at_provider=AtProvider.ABSENT, absent_since=since), minimum=1)
    assert bool(changes(decided)) == is_lost


def test_an_interruption_notice_drains():
    decided = decide(busy(1, interrupted_at=NOW + timedelta(minutes=2)), maximum=1)
    assert changes(decided) == {1: M.DRAINING}
    assert said(decided) == ["1 machine: the provider takes it back at 05:02:00 UTC."]


def test_a_cordoned_machine_is_no_capacity_but_counts():
    cordoned = idle(1, cordoned=True)
    assert decide(cordoned, waiting=1, maximum=2).launches == 1
    assert decide(cordoned, waiting=1, maximum=1).launches == 0
    assert decide(cordoned) == Plan(), "whoever cordoned it decides on its end"


def test_orphans_are_drained_then_ended_unless_they_have_a_job():
    fresh, told = (
        Orphan("i-1", UUID(int=1)),
        Orphan("i-2", UUID(int=2), drained_since=NOW - timedelta(minutes=1)),
    )
    at_work, foreign = Orphan("i-3", UUID(int=3), is_busy=True), Orphan("i-4")
    decided = decide(orphans=(fresh, told, at_work, foreign))
    assert decided.drain_orphans == (fresh, at_work)
    assert decided.end_orphans == (told, foreign)
    assert said(decided) == ["Ends 2 machines that nobody knows of: i-2, i-4."]


def test_after_failures_one_tries_later_and_the_others_follow():
    failed = (NOW - timedelta(seconds=10), NOW - timedelta(seconds=9))
    waits = decide(waiting=5, failures=failed, last_failure="Quota exceeded.")
    assert waits.launches == 0
    assert (
        waits.held == "No machine is started before 05:00:21 UTC, since the last ones failed: Quota exceeded."
    )
    cooled = (NOW - timedelta(minutes=2),)
    assert decide(waiting=5, failures=cooled).launches == 1
    assert decide(starting(1, age_minutes=1), waiting=5, failures=cooled) == Plan()
    assert decide(waiting=5).launches == 5


def test_trouble_holds_launches_and_nothing_else():
    decided = decide(idle(1), waiting=3, trouble="There is no provider 'moon'.")
    assert decided.launches == 0
    assert decided.held == "There is no provider 'moon'."
    assert decide(trouble="There is no provider 'moon'.").held == ""
