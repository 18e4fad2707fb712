"""Quotas from the row to the queue: whose place an execution takes, what it waits for, and when it goes."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from environments.models import Environment, TeamPlace
from executions import services
from executions.live.messages import execution_messages
from executions.models import Execution
from executions.scheduling.apply import write_reasons
from executions.scheduling.facts import load_unfinished, planning_facts
from executions.scheduling.loop import Scheduler
from executions.types import ExecutionSpec, Status
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects.models import Project
from tests.conftest import api_of
from tests.support import factories

pytestmark = pytest.mark.django_db

TEAM_QUOTA = "Its team's quota in environment 'gpu' is used: 2 of 2 places are taken."
BLOCKED = "Its team may not run anything in environment 'gpu': the team's quota there is 0."


@pytest.fixture
def house(alice: User, charlie: User) -> Organization:
    return factories.make_organization("house", members=(alice, charlie))


@pytest.fixture
def gpu(house: Organization) -> Environment:
    return factories.make_environment("gpu", owner=house.owner)


@pytest.fixture
def vision(house: Organization, alice: User, charlie: User) -> Team:
    return factories.make_team(house, "vision", members=(alice, charlie))


@pytest.fixture
def speech(house: Organization, alice: User) -> Team:
    return factories.make_team(house, "speech", members=(alice,))


@pytest.fixture
def run(house: Organization, gpu: Environment) -> Callable[..., Execution]:
    """Create an execution for somebody in a project of the team, as the API does."""
    projects: dict[object, Project] = {}

    def run(actor: User, team: Team | None = None) -> Execution:
        if team not in projects:
            projects[team] = factories.make_project(house, team=team)
            factories.make_commit(projects[team])
        spec = ExecutionSpec(commit=projects[team].commits.get().identifier, step="train", environment="gpu")
        return services.create_execution(actor=actor, project=projects[team], spec=spec)

    return run


def give_place(environment: Environment, team: Team, quota: int | None) -> TeamPlace:
    return TeamPlace.objects.create(environment=environment, team=team, max_running=quota)


def state_after_a_turn(*executions: Execution) -> list[tuple[str, str]]:
    Scheduler().turn()
    for execution in executions:
        execution.refresh_from_db()
    return [(execution.status, execution.waiting_reason) for execution in executions]


def statuses_after_a_turn(*executions: Execution) -> list[str]:
    return [status for status, _ in state_after_a_turn(*executions)]


QUEUED, CREATED = Status.QUEUED, Status.CREATED


def test_the_third_of_a_team_waits_says_why_and_goes_when_the_quota_is_raised(
    run, gpu, vision, speech, alice, charlie
):
    place = give_place(gpu, vision, 2)
    first, second, third = run(alice, vision), run(charlie, vision), run(alice, vision)
    of_another_team = run(alice, speech)
    states = state_after_a_turn(first, second, third, of_another_team)
    assert [status for status, _ in states] == [QUEUED, QUEUED, CREATED, QUEUED]
    assert states[2][1] == f"{TEAM_QUOTA} No execution is before it now."
    place.max_running = 3
    place.save()
    assert statuses_after_a_turn(third) == [QUEUED]


def test_stopping_one_makes_room_for_the_next(run, gpu, vision, alice):
    give_place(gpu, vision, 2)
    executions = [run(alice, vision) for _ in range(4)]
    assert statuses_after_a_turn(*executions) == [QUEUED, QUEUED, CREATED, CREATED]
    assert executions[3].waiting_reason == f"{TEAM_QUOTA} 1 execution is before it now."
    services.stop_execution(execution=executions[0], actor=alice)
    assert statuses_after_a_turn(*executions) == [Status.STOPPED, QUEUED, QUEUED, CREATED]
    assert executions[3].waiting_reason == f"{TEAM_QUOTA} No execution is before it now."


def refusal(actor: User, project: Project) -> dict[str, str]:
    """What the API says of the environment when nothing can be created on it."""
    before = Execution.objects.count()
    commit = project.commits.get().identifier
    body = {"project": str(project.pk), "commit": commit, "step": "train", "environment": "gpu"}
    answer = api_of(actor).post("/api/v0/executions/", body, format="json")
    assert answer.status_code == 400
    assert Execution.objects.count() == before
    [fault] = answer.json()["environment"]
    return fault


def test_quota_0_refuses_at_once(run, gpu, vision, speech, alice):
    place = give_place(gpu, vision, 1)
    project = run(alice, vision).project
    place.max_running = 0
    place.save()
    fault = refusal(alice, project)
    assert fault["code"] == "not_available"
    assert "gpu" in fault["message"]
    assert "vision" in fault["message"]
    assert statuses_after_a_turn(run(alice, speech)) == [QUEUED]


def test_quota_that_becomes_0_holds_what_waits_and_lets_go_what_is_queued(run, gpu, vision, alice):
    place = give_place(gpu, vision, 1)
    first, second = run(alice, vision), run(alice, vision)
    assert statuses_after_a_turn(first, second) == [QUEUED, CREATED]
    place.max_running = 0
    place.save()
    assert state_after_a_turn(second) == [(CREATED, BLOCKED)]
    assert statuses_after_a_turn(first) == [QUEUED]


def test_where_only_teams_may_run_a_team_needs_a_place(run, gpu, vision, speech, alice):
    elsewhere = run(alice, speech).project
    gpu.restricted_to_teams = True
    gpu.save()
    place = give_place(gpu, vision, None)
    execution = run(alice, vision)
    assert refusal(alice, elsewhere)["code"] == "not_available"
    place.delete()
    assert state_after_a_turn(execution) == [(CREATED, BLOCKED)]


def test_a_team_needs_no_place_in_its_own_environment(run, gpu, vision, alice):
    gpu.restricted_to_teams, gpu.team = True, vision
    gpu.save()
    assert statuses_after_a_turn(run(alice, vision), run(alice, vision)) == [QUEUED, QUEUED]


def test_outside_of_teams_the_user_s_own_team_counts(run, gpu, vision, alice, charlie):
    give_place(gpu, vision, 1)
    first, second = run(alice), run(charlie)
    assert {first.quota_team, second.quota_team} == {vision}
    assert statuses_after_a_turn(first, second) == [QUEUED, CREATED]


def test_users_share_what_their_team_may_have(run, gpu, vision, alice, charlie):
    give_place(gpu, vision, 3)
    of_alice = [run(alice, vision) for _ in range(6)]
    of_charlie = run(charlie, vision)
    statuses = statuses_after_a_turn(*of_alice, of_charlie)
    assert statuses == [QUEUED, QUEUED, CREATED, CREATED, CREATED, CREATED, QUEUED]


def test_user_and_team_quota_hold_together(run, gpu, vision, speech, alice, charlie):
    gpu.per_user_queue_quota = 1
    gpu.save()
    give_place(gpu, vision, 1)
    executions = run(alice, vision), run(charlie, vision), run(alice, speech)
    states = state_after_a_turn(*executions)
    assert [status for status, _ in states] == [QUEUED, CREATED, CREATED]
    assert states[1][1].startswith("Its team's quota in environment 'gpu' is used: 1 of 1 place is taken.")
    assert states[2][1].startswith("Its creator's quota in environment 'gpu' is used: 1 of 1 place is taken.")


def test_what_a_removed_member_has_left_in_line_runs(run, gpu, vision, alice, charlie):
    give_place(gpu, vision, 1)
    first, second = run(charlie, vision), run(alice, vision)
    assert statuses_after_a_turn(first, second) == [QUEUED, CREATED]
    TeamMembership.objects.filter(user=alice).delete()
    OrganizationMembership.objects.filter(user=alice).delete()
    services.stop_execution(execution=first, actor=charlie)
    assert statuses_after_a_turn(second) == [QUEUED]


def test_a_team_that_is_dissolved_holds_nobody(run, gpu, house, alice):
    team = factories.make_team(house, members=(alice,))
    give_place(gpu, team, 1)
    executions = run(alice), run(alice)
    assert statuses_after_a_turn(*executions) == [QUEUED, CREATED]
    team.delete()
    assert statuses_after_a_turn(*executions) == [QUEUED, QUEUED]


def test_api_and_live_connection_tell_the_reason(run, gpu, vision, alice):
    give_place(gpu, vision, 2)
    waiting = [run(alice, vision) for _ in range(3)][2]
    state_after_a_turn(waiting)
    api: APIClient = api_of(alice)
    reason = f"{TEAM_QUOTA} No execution is before it now."
    assert api.get(f"/api/v0/executions/{waiting.pk}/").json()["waiting_reason"] == reason
    listed = api.get("/api/v0/executions/", {"project": str(waiting.project_id)}).json()["results"]
    assert [row["waiting_reason"] for row in listed if row["status"] == "created"] == [reason]
    assert execution_messages(waiting.pk)["state"]["execution"]["waiting_reason"] == reason


@pytest.mark.parametrize("number", [2, 40])
def test_a_turn_asks_as_much_for_many_as_for_few(gpu, vision, number, django_assert_num_queries):
    """Different reasons, environments and teams: three reads, and one write for all the words."""
    project = factories.make_project()
    commit = factories.make_commit(project)
    for n in range(number):
        environment = factories.make_environment(max_running=1)
        give_place(environment, vision, n)
        factories.make_execution(project, commit=commit, environment=environment, status=Status.STARTED)
        factories.make_execution(project, commit=commit, environment=environment, quota_team=vision)
    with django_assert_num_queries(3):
        unfinished = load_unfinished()
        planning_facts(unfinished, {})
    with django_assert_num_queries(1):
        write_reasons({e.id: f"reason {n}" for n, e in enumerate(unfinished)}, unfinished)
    assert Execution.objects.filter(waiting_reason__startswith="reason ").count() == number


def test_reasons_are_written_where_they_belong_and_nowhere_else(gpu):
    project = factories.make_project()
    commit = factories.make_commit(project)

    def make(status: Status) -> Execution:
        return factories.make_execution(project, commit=commit, status=status)

    waiting, started, ended = make(Status.CREATED), make(Status.STARTED), make(Status.COMPLETE)
    unfinished = load_unfinished()
    Execution.objects.filter(pk=ended.pk).update(waiting_reason="")
    write_reasons({waiting.pk: 'it\'s "full", 100%', started.pk: "late"}, unfinished)
    reasons = dict(Execution.objects.values_list("pk", "waiting_reason"))
    assert reasons == {waiting.pk: 'it\'s "full", 100%', started.pk: "", ended.pk: ""}
