"""What the planner promises whatever waits: no limit is passed, no place is wasted, turns are fair, reasons are true."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from environments.types import TeamQuotas
from executions.scheduling.limits import EnvironmentLimits
from executions.scheduling.lines import WaitingExecution, age
from executions.scheduling.planner import Decisions, Facts, plan, served_after
from executions.scheduling.reasons import before
from tests.executions.planning import (
    ENVIRONMENT,
    OTHER,
    SPEECH,
    START,
    VISION,
    decide,
    waiting,
)

users = st.sampled_from([None, 1, 2, 3])
teams = st.sampled_from([None, VISION, SPEECH])
environment_ids = st.sampled_from([ENVIRONMENT, OTHER])
executions = st.lists(
    st.builds(
        WaitingExecution,
        id=st.uuids(),
        environment_id=environment_ids,
        user=users,
        priority=st.integers(0, 2),
        created_at=st.integers(0, 50).map(lambda s: START + timedelta(seconds=s)),
        team=teams,
    ),
    max_size=30,
    unique_by=lambda e: e.id,
)
limits = st.builds(
    EnvironmentLimits,
    id=environment_ids,
    name=st.just("gpu"),
    enabled=st.sampled_from([True, True, True, False]),
    max_running=st.integers(0, 12),
    per_user_quota=st.integers(0, 4),
    teams=st.builds(
        TeamQuotas,
        st.dictionaries(st.sampled_from([VISION, SPEECH]), st.none() | st.integers(0, 4)),
        st.booleans(),
    ),
)


@st.composite
def both_environments(draw: st.DrawFn) -> dict[UUID, EnvironmentLimits]:
    return {pk: replace(draw(limits), id=pk) for pk in (ENVIRONMENT, OTHER)}


@st.composite
def situations(draw: st.DrawFn) -> Facts:
    admitted = draw(st.dictionaries(st.tuples(environment_ids, users, teams), st.integers(1, 5), max_size=8))
    moments = st.integers(0, 60).map(lambda s: START + timedelta(seconds=s))
    served = draw(st.dictionaries(st.tuples(environment_ids, users), moments, max_size=4))
    return Facts(tuple(draw(executions)), draw(both_environments()), admitted, served)


class After:
    """Who holds how many places of one environment after a plan, counted anew from the facts."""

    def __init__(self, facts: Facts, chosen: Iterable[UUID], environment_id: UUID) -> None:
        chosen = set(chosen)
        self.limits = facts.environments[environment_id]
        self.added = Counter(
            (e.user, e.team) for e in facts.waiting if e.id in chosen and e.environment_id == environment_id
        )
        before_it = Counter(
            {(user, team): n for (where, user, team), n in facts.admitted.items() if where == environment_id}
        )
        self.held = before_it + self.added

    def of_user(self, user: int | None) -> int:
        return sum(n for (whose, _), n in self.held.items() if whose == user)

    def of_team(self, team: UUID | None) -> int:
        return sum(n for (_, whose), n in self.held.items() if whose == team)

    def full(self) -> bool:
        return 0 < self.limits.max_running <= self.held.total()

    def user_is_held(self, user: int | None) -> bool:
        return 0 < self.limits.per_user_quota <= self.of_user(user)

    def quota(self, team: UUID | None) -> float:
        if team is None:
            return float("inf")
        if team in self.limits.teams.given:
            given = self.limits.teams.given[team]
            return float("inf") if given is None else given
        return 0 if self.limits.teams.only_given else float("inf")

    def team_is_held(self, team: UUID | None) -> bool:
        return self.of_team(team) >= self.quota(team)


def assert_nothing_was_exceeded(facts: Facts, decisions: Decisions) -> None:
    for pk, environment in facts.environments.items():
        after = After(facts, decisions.enqueue, pk)
        if not environment.enabled:
            assert not after.added
        if environment.max_running and after.added:
            assert after.held.total() <= environment.max_running
        for user, team in after.added:
            if environment.per_user_quota:
                assert after.of_user(user) <= environment.per_user_quota
            assert after.of_team(team) <= after.quota(team)


def assert_no_place_was_wasted(facts: Facts, decisions: Decisions) -> None:
    chosen = set(decisions.enqueue)
    afters = {pk: After(facts, chosen, pk) for pk in facts.environments}
    for e in facts.waiting:
        after = afters[e.environment_id]
        assert (
            e.id in chosen
            or not after.limits.enabled
            or after.full()
            or after.user_is_held(e.user)
            or after.team_is_held(e.team)
        )


@given(situations())
def test_no_limit_is_ever_passed(facts: Facts):
    assert_nothing_was_exceeded(facts, plan(facts))


@given(situations())
def test_nobody_eligible_waits_while_there_is_room(facts: Facts):
    assert_no_place_was_wasted(facts, plan(facts))


@given(situations())
def test_who_got_a_place_has_at_most_one_more_than_anybody_who_could_have_had_it(facts: Facts):
    """Fairness: Between users of one priority, whoever was given something and whoever waits for the capacity alone."""
    decisions = plan(facts)
    chosen = set(decisions.enqueue)
    for pk, environment in facts.environments.items():
        after = After(facts, chosen, pk)
        here = [e for e in facts.waiting if e.environment_id == pk]
        given_places = [e for e in here if e.id in chosen]
        could_have_had_one = [
            e
            for e in here
            if e.id not in chosen and not after.user_is_held(e.user) and not after.team_is_held(e.team)
        ]
        for lucky in given_places:
            for unlucky in could_have_had_one if environment.enabled else []:
                assert lucky.priority >= unlucky.priority
                if lucky.priority == unlucky.priority and lucky.user != unlucky.user:
                    assert after.of_user(lucky.user) <= after.of_user(unlucky.user) + 1


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(1, 60))
def test_users_who_begin_with_nothing_get_the_same_up_to_one(jobs_of_users: list[int], room: int):
    executions = [
        waiting(1000 * user + n, user=user) for user, jobs in enumerate(jobs_of_users) for n in range(jobs)
    ]
    chosen = set(decide(*executions, max_running=room).enqueue)
    got = Counter(e.user for e in executions if e.id in chosen)
    for one, other in combinations(range(len(jobs_of_users)), 2):
        few, many = sorted((one, other), key=lambda user: got[user])
        assert got[many] - got[few] <= 1 or got[few] == jobs_of_users[few]


@given(situations())
def test_first_in_first_out_for_one_user_team_and_priority(facts: Facts):
    order = plan(facts).enqueue
    by_id = {e.id: e for e in facts.waiting}

    def line_of(e: WaitingExecution) -> tuple:
        return e.environment_id, e.user, e.team, e.priority

    for line in {line_of(e) for e in facts.waiting}:
        oldest_first = sorted((e for e in facts.waiting if line_of(e) == line), key=age)
        went = [by_id[pk] for pk in order if line_of(by_id[pk]) == line]
        assert went == oldest_first[: len(went)]


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(facts: Facts, shuffler: random.Random):
    shuffled, admitted = list(facts.waiting), list(facts.admitted.items())
    shuffler.shuffle(shuffled)
    shuffler.shuffle(admitted)
    again = plan(Facts(tuple(shuffled), facts.environments, dict(admitted), facts.served))
    assert again == plan(facts)
    assert again.enqueue == plan(facts).enqueue


@given(situations())
def test_everybody_is_decided_on_once(facts: Facts):
    decisions = plan(facts)
    assert len(decisions.enqueue) == len(set(decisions.enqueue))
    assert set(decisions.enqueue) | set(decisions.waiting_reasons) == {e.id for e in facts.waiting}
    assert not set(decisions.enqueue) & set(decisions.waiting_reasons)


@given(situations())
def test_every_reason_is_true(facts: Facts):
    decisions = plan(facts)
    afters = {pk: After(facts, decisions.enqueue, pk) for pk in facts.environments}
    lines: dict[tuple, list[WaitingExecution]] = {}
    for e in facts.waiting:
        if e.id not in decisions.waiting_reasons:
            continue
        after = afters[e.environment_id]
        holds, whose, beginning = expected(e, after)
        assert holds
        assert decisions.waiting_reasons[e.id].startswith(beginning)
        lines.setdefault((e.environment_id, whose, beginning), []).append(e)
    for (environment_id, _, beginning), line in lines.items():
        if "taken" in beginning:
            told = sorted(decisions.waiting_reasons[e.id] for e in line)
            assert told == sorted(f"{beginning} {before(n)}" for n in range(len(line)))
            first = next(
                e for e in line if decisions.waiting_reasons[e.id].endswith("No execution is before it now.")
            )
            assert first.priority == max(e.priority for e in line)
            of_user = afters[environment_id].of_user
            assert of_user(first.user) == min(of_user(e.user) for e in line if e.priority == first.priority)


def expected(e: WaitingExecution, after: After) -> tuple[bool, object, str]:
    """Whether the limit that has to be named holds, whose it is, and how the reason begins."""

    def taken(held: int, quota: float) -> str:
        return f"is used: {held} of {quota} {'place is' if quota == 1 else 'places are'} taken."

    where = "environment 'gpu'"
    if not after.limits.enabled:
        return True, None, "Environment 'gpu' is switched off."
    if after.quota(e.team) == 0:
        return True, e.team, f"Its team may not run anything in {where}: the team's quota there is 0."
    if after.user_is_held(e.user):
        words = taken(after.of_user(e.user), after.limits.per_user_quota)
        return True, e.user, f"Its creator's quota in {where} {words}"
    if after.team_is_held(e.team):
        words = taken(after.of_team(e.team), after.quota(e.team))
        return True, e.team, f"Its team's quota in {where} {words}"
    words = taken(after.held.total(), after.limits.max_running).replace("used", "full")
    return after.full(), None, f"Environment 'gpu' {words}"


arrivals = st.lists(st.tuples(users, teams, st.integers(0, 2), environment_ids), max_size=12)
finishes = st.lists(st.integers(0, 10**6), max_size=8)


@settings(deadline=None)
@given(
    st.lists(st.tuples(arrivals, finishes, st.none() | both_environments()), min_size=1, max_size=12),
    both_environments(),
)
def test_many_rounds_with_changing_limits(rounds: list, environments: dict[UUID, EnvironmentLimits]):
    """Jobs arrive and finish, limits change, also to less than is in use: every round keeps every promise."""
    numbers = iter(range(10**6))
    line: list[WaitingExecution] = []
    inside: list[WaitingExecution] = []
    for arriving, finishing, changed in rounds:
        environments = changed or environments
        line += [
            waiting(next(numbers), user=user, team=team, priority=priority, environment_id=where)
            for user, team, priority, where in arriving
        ]
        for number in finishing[: len(inside)]:
            inside.pop(number % len(inside))
        admitted = Counter((e.environment_id, e.user, e.team) for e in inside)
        facts = Facts(tuple(line), environments, admitted)
        decisions = plan(facts)
        assert_nothing_was_exceeded(facts, decisions)
        assert_no_place_was_wasted(facts, decisions)
        assert set(decisions.enqueue) | set(decisions.waiting_reasons) == {e.id for e in line}
        inside += [e for e in line if e.id in set(decisions.enqueue)]
        line = [e for e in line if e.id in decisions.waiting_reasons]


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=5), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_newcomer_waits_for_no_more_ends_than_there_are_others(
    jobs_of_users: list[int], room: int, chance: random.Random
):
    """One job ends per round, whosoever; users with long lines that are older get no second turn before the newcomer."""
    environments = {ENVIRONMENT: EnvironmentLimits(ENVIRONMENT, "gpu", max_running=room)}
    line = [
        waiting(100 * user + n, user=user) for user, jobs in enumerate(jobs_of_users) for n in range(jobs)
    ]
    newcomer = waiting(10**6, user=99)
    inside: list[WaitingExecution] = []
    served: dict[tuple[UUID, int | None], datetime] = {}
    for turn in range(len(jobs_of_users) + 2):
        facts = Facts(
            tuple(line), environments, Counter((ENVIRONMENT, e.user, e.team) for e in inside), served
        )
        decisions = plan(facts)
        served = served_after(facts, decisions, newcomer.created_at + timedelta(seconds=turn))
        inside += [e for e in line if e.id in set(decisions.enqueue)]
        line = [e for e in line if e.id in decisions.waiting_reasons]
        if turn == 0:
            line.append(newcomer)
        if newcomer in inside:
            return
        if inside:
            inside.pop(chance.randrange(len(inside)))
    raise AssertionError(f"still waiting: {inside}")
