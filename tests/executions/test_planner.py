"""The planner: limits are never passed, free places are never wasted, and everybody hears why they wait."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from executions.scheduling.planner import EnvironmentLimits, Facts, WaitingExecution, how_many, plan

START = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = UUID(int=1)
OTHER = UUID(int=2)


def waiting(
    number: int, *, user: int = 1, priority: int = 0, environment: UUID = ENVIRONMENT
) -> WaitingExecution:
    return WaitingExecution(
        UUID(int=1000 + number), environment, user, priority, START + timedelta(seconds=number)
    )


def planned(
    *executions: WaitingExecution, admitted: dict[int, int] | None = None, **limits: object
) -> list[int]:
    facts = Facts(
        executions,
        {ENVIRONMENT: EnvironmentLimits(ENVIRONMENT, "gpu", **limits)},
        {(ENVIRONMENT, user): n for user, n in (admitted or {}).items()},
    )
    return [pk.int - 1000 for pk in plan(facts).enqueue]


def reasons(
    *executions: WaitingExecution, admitted: dict[int, int] | None = None, **limits: object
) -> dict[int, str]:
    facts = Facts(
        executions,
        {ENVIRONMENT: EnvironmentLimits(ENVIRONMENT, "gpu", **limits)},
        {(ENVIRONMENT, user): n for user, n in (admitted or {}).items()},
    )
    return {pk.int - 1000: text for pk, text in plan(facts).waiting_reasons.items()}


def test_without_limits_everything_goes_oldest_first():
    assert planned(waiting(3), waiting(1), waiting(2)) == [1, 2, 3]


def test_higher_priority_goes_first():
    assert planned(waiting(1), waiting(2, priority=5), waiting(3, priority=5)) == [2, 3, 1]


def test_free_places_go_to_whoever_has_the_fewest():
    executions = [*(waiting(n, user=1) for n in range(1, 5)), waiting(9, user=2)]
    assert planned(*executions, max_running=2) == [1, 9]
    assert planned(*executions, max_running=3, admitted={1: 2}) == [9]


def test_quota_counts_what_is_queued_or_running():
    assert planned(waiting(1), waiting(2), per_user_quota=2, admitted={1: 1}) == [1]


def test_priority_does_not_pass_the_quota():
    assert planned(waiting(1, priority=9), per_user_quota=1, admitted={1: 1}) == []


def test_environment_that_is_switched_off_admits_nothing_and_says_so():
    assert planned(waiting(1), enabled=False) == []
    assert reasons(waiting(1), enabled=False) == {1: "Environment 'gpu' is switched off."}


def test_reason_names_the_quota_and_counts_own_executions_only():
    told = reasons(waiting(1), waiting(2, user=2), waiting(3), per_user_quota=1, admitted={1: 1, 2: 1})
    assert told[3] == (
        "Your quota in environment 'gpu' is used: 1 of 1 executions are queued or running. 1 of yours waits before this one."
    )
    assert told[1].endswith("None of yours waits before this one.")


def test_reason_names_the_capacity_and_counts_everybody():
    told = reasons(waiting(1), waiting(2, user=2), waiting(3, user=3), max_running=1)
    assert (
        told[3] == "Environment 'gpu' runs at most 1 executions at once and is full. 1 waits before this one."
    )


def test_large_numbers_are_rounded_so_that_reasons_seldom_change():
    assert [how_many(n) for n in (0, 1, 10, 47, 890)] == [
        "Nothing waits", "1 waits", "10 wait", "More than 40 wait", "More than 800 wait",
    ]  # fmt: skip


executions = st.lists(
    st.builds(
        WaitingExecution,
        id=st.uuids(),
        environment_id=st.sampled_from([ENVIRONMENT, OTHER]),
        user=st.sampled_from([None, 1, 2, 3]),
        priority=st.integers(0, 2),
        created_at=st.integers(0, 50).map(lambda s: START + timedelta(seconds=s)),
    ),
    max_size=25,
    unique_by=lambda e: e.id,
)
limits = st.builds(
    dict, enabled=st.booleans(), max_running=st.integers(0, 8), per_user_quota=st.integers(0, 4)
)


@st.composite
def situations(draw: st.DrawFn) -> Facts:
    environments = {pk: EnvironmentLimits(pk, str(pk), **draw(limits)) for pk in (ENVIRONMENT, OTHER)}
    keys = st.tuples(st.sampled_from([ENVIRONMENT, OTHER]), st.sampled_from([None, 1, 2, 3]))
    admitted = draw(st.dictionaries(keys, st.integers(0, 5), max_size=6))
    return Facts(tuple(draw(executions)), environments, admitted)


@given(situations())
def test_limits_are_never_passed_by_a_plan(facts: Facts):
    chosen = set(plan(facts).enqueue)
    added = Counter((e.environment_id, e.user) for e in facts.waiting if e.id in chosen)
    before = Counter(facts.admitted)
    for pk, environment in facts.environments.items():
        total_added = sum(n for (where, _), n in added.items() if where == pk)
        total_before = sum(n for (where, _), n in before.items() if where == pk)
        if not environment.enabled:
            assert total_added == 0
        if environment.max_running and total_added:
            assert total_before + total_added <= environment.max_running
        for (where, user), n in added.items():
            if where == pk and environment.per_user_quota:
                assert before[(where, user)] + n <= environment.per_user_quota


@given(situations())
def test_nobody_eligible_waits_while_there_is_room(facts: Facts):
    chosen = set(plan(facts).enqueue)
    after = Counter(facts.admitted) + Counter(
        (e.environment_id, e.user) for e in facts.waiting if e.id in chosen
    )
    for execution in facts.waiting:
        if execution.id in chosen:
            continue
        environment = facts.environments[execution.environment_id]
        total = sum(n for (where, _), n in after.items() if where == environment.id)
        full = environment.max_running and total >= environment.max_running
        spent = (
            environment.per_user_quota
            and after[(environment.id, execution.user)] >= environment.per_user_quota
        )
        assert full or spent or not environment.enabled


@given(situations())
def test_first_in_first_out_for_one_user_and_priority(facts: Facts):
    order = plan(facts).enqueue
    chosen = set(order)
    by_id = {e.id: e for e in facts.waiting}
    lines: dict[tuple, list[WaitingExecution]] = {}
    for execution in facts.waiting:
        lines.setdefault((execution.environment_id, execution.user, execution.priority), []).append(execution)
    for key, line in lines.items():
        line.sort(key=lambda e: e.age_order)
        went = [
            by_id[pk] for pk in order if (by_id[pk].environment_id, by_id[pk].user, by_id[pk].priority) == key
        ]
        assert went == line[: len(went)]
        assert {e.id for e in line[len(went) :]}.isdisjoint(chosen)


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(facts: Facts, shuffler: random.Random):
    shuffled = list(facts.waiting)
    shuffler.shuffle(shuffled)
    assert plan(Facts(tuple(shuffled), facts.environments, facts.admitted)) == plan(facts)


@given(situations())
def test_everybody_is_decided_on_and_who_waits_hears_why(facts: Facts):
    decisions = plan(facts)
    assert set(decisions.enqueue) | set(decisions.waiting_reasons) == {e.id for e in facts.waiting}
    assert not set(decisions.enqueue) & set(decisions.waiting_reasons)
    assert all(reason.endswith(".") for reason in decisions.waiting_reasons.values())
