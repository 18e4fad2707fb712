"""The planner: limits are never passed, free places are never wasted, users share, and everybody hears why they wait."""

from datetime import timedelta

from environments.types import TeamQuotas
from executions.scheduling.limits import EnvironmentLimits
from executions.scheduling.planner import Facts, plan, served_after
from executions.scheduling.reasons import before
from tests.executions.planning import ENVIRONMENT, SPEECH, START, VISION, planned, reasons, waiting


def test_without_limits_everything_goes_oldest_first():
    assert planned(waiting(3), waiting(1), waiting(2)) == [1, 2, 3]


def test_higher_priority_goes_first():
    assert planned(waiting(1), waiting(2, priority=5), waiting(3, priority=5)) == [2, 3, 1]


def test_free_places_go_to_whoever_has_the_fewest():
    executions = [*(waiting(n, user=1) for n in range(1, 5)), waiting(9, user=2)]
    assert planned(*executions, max_running=2) == [1, 9]
    assert planned(*executions, max_running=3, taken={(1, None): 2}) == [9]


def test_a_thousand_of_one_user_do_not_keep_the_first_of_another_waiting():
    executions = [*(waiting(n, user=1) for n in range(1000)), waiting(2000, user=2)]
    assert planned(*executions, max_running=2) == [0, 2000]


def test_among_equals_whoever_has_waited_longest_since_their_last_place_goes_first():
    executions = waiting(1), waiting(7, user=2), waiting(9, user=3)
    served = {(ENVIRONMENT, 1): START + timedelta(seconds=8)}
    limits = EnvironmentLimits(ENVIRONMENT, "gpu", max_running=2)
    decisions = plan(Facts(executions, {ENVIRONMENT: limits}, {}, served))
    assert [pk.int - 1000 for pk in decisions.enqueue] == [7, 1]


def test_only_users_who_wait_for_more_are_remembered_as_served():
    facts = Facts(
        (waiting(1), waiting(2), waiting(3, user=2), waiting(4, user=3), waiting(5, user=3)),
        {ENVIRONMENT: EnvironmentLimits(ENVIRONMENT, "gpu", max_running=2)},
        {},
        {(ENVIRONMENT, 3): START, (ENVIRONMENT, 4): START},
    )
    now = START + timedelta(hours=1)
    assert served_after(facts, plan(facts), now) == {(ENVIRONMENT, 1): now, (ENVIRONMENT, 3): START}


def test_quota_counts_what_is_queued_or_running():
    assert planned(waiting(1), waiting(2), per_user_quota=2, taken={(1, None): 1}) == [1]


def test_quota_of_a_user_counts_over_all_teams():
    executions = waiting(1, team=VISION), waiting(2, team=SPEECH), waiting(3)
    assert planned(*executions, per_user_quota=2, taken={(1, SPEECH): 1}) == [1]


def test_quota_of_a_team_counts_over_all_its_users():
    executions = (
        waiting(1, user=1, team=VISION),
        waiting(2, user=2, team=VISION),
        waiting(3, user=3, team=VISION),
    )
    assert planned(*executions, teams=TeamQuotas({VISION: 2})) == [1, 2]
    assert planned(*executions, teams=TeamQuotas({VISION: 2}), taken={(9, VISION): 1}) == [1]
    assert planned(*executions, teams=TeamQuotas({VISION: 2}), taken={(9, SPEECH): 5}) == [1, 2]


def test_a_team_without_a_number_has_no_limit_of_its_own():
    executions = [waiting(n, user=n, team=VISION) for n in range(5)]
    assert planned(*executions, teams=TeamQuotas({VISION: None}, only_given=True)) == [0, 1, 2, 3, 4]


def test_quota_0_blocks_a_team_and_nobody_else():
    executions = waiting(1, team=VISION), waiting(2, team=SPEECH), waiting(3)
    assert planned(*executions, teams=TeamQuotas({VISION: 0})) == [2, 3]


def test_where_only_teams_with_a_place_may_run_the_others_are_blocked():
    executions = waiting(1, team=VISION), waiting(2, team=SPEECH), waiting(3)
    assert planned(*executions, teams=TeamQuotas({VISION: None}, only_given=True)) == [1, 3]


def test_nobody_waits_behind_their_own_execution_for_a_team_that_is_full():
    blocked = [waiting(n, team=VISION) for n in range(5)]
    full = {"teams": TeamQuotas({VISION: 1}), "taken": {(9, VISION): 1}}
    assert planned(*blocked, waiting(7, team=SPEECH), waiting(8), **full) == [7, 8]


def test_a_turn_that_passes_to_a_younger_execution_comes_in_its_place():
    """User 1's oldest is held up by its team; what they have else is younger than what user 2 has."""
    executions = waiting(1, team=VISION), waiting(3), waiting(2, user=2)
    assert planned(*executions, teams=TeamQuotas({VISION: 0}), max_running=1) == [2]


def test_priority_passes_no_quota():
    assert planned(waiting(1, priority=9), per_user_quota=1, taken={(1, None): 1}) == []
    assert planned(waiting(1, priority=9, team=VISION), teams=TeamQuotas({VISION: 0})) == []


def test_environment_that_is_switched_off_admits_nothing_and_says_so():
    assert planned(waiting(1), enabled=False) == []
    assert reasons(waiting(1), enabled=False) == {1: "Environment 'gpu' is switched off."}


def test_reason_names_the_quota_of_the_user_and_counts_own_executions_only():
    executions = waiting(1), waiting(2, user=2), waiting(3)
    told = reasons(*executions, per_user_quota=1, taken={(1, None): 1, (2, None): 1})
    quota = "Its creator's quota in environment 'gpu' is used: 1 of 1 place is taken."
    assert told[1] == f"{quota} No execution is before it now."
    assert told[3] == f"{quota} 1 execution is before it now."


def test_reason_names_the_quota_of_the_team_and_counts_its_executions_only():
    executions = [waiting(n, user=n, team=VISION) for n in range(4)]
    told = reasons(*executions, waiting(9, team=SPEECH), teams=TeamQuotas({VISION: 2, SPEECH: 0}))
    assert told == {
        2: "Its team's quota in environment 'gpu' is used: 2 of 2 places are taken. No execution is before it now.",
        3: "Its team's quota in environment 'gpu' is used: 2 of 2 places are taken. 1 execution is before it now.",
        9: "Its team may not run anything in environment 'gpu': the team's quota there is 0.",
    }


def test_reason_names_the_capacity_and_counts_everybody_who_waits_for_it():
    executions = waiting(1), waiting(2, user=2), waiting(3, user=3), waiting(4, user=4, team=VISION)
    told = reasons(*executions, max_running=1, teams=TeamQuotas({VISION: 0}))
    assert told[3] == "Environment 'gpu' is full: 1 of 1 place is taken. 1 execution is before it now."


def test_how_many_are_before_it_follows_the_turns_and_not_the_age_alone():
    executions = [*(waiting(n, user=1) for n in range(5)), waiting(9, user=2)]
    told = reasons(*executions, max_running=1, taken={(3, None): 1})
    assert told[0].endswith("No execution is before it now.")
    assert told[9].endswith("1 execution is before it now.")
    assert told[1].endswith("2 executions are before it now.")


def test_a_limit_below_what_is_taken_says_so_and_takes_nothing_away():
    assert reasons(waiting(1), max_running=2, taken={(1, None): 5}) == {
        1: "Environment 'gpu' is full: 5 of 2 places are taken. No execution is before it now."
    }


def test_large_numbers_are_rounded_so_that_reasons_seldom_change():
    assert [before(n) for n in (0, 1, 10, 47, 890)] == [
        "No execution is before it now.", "1 execution is before it now.", "10 executions are before it now.",
        "More than 40 executions are before it now.", "More than 800 executions are before it now.",
    ]  # fmt: skip
