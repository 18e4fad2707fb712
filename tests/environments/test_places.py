"""Whose quota a run counts against."""

import pytest

from accounts.models import User
from environments.models import Environment, TeamPlace
from environments.places import quota_team
from organizations.models import Organization
from tests.support.factories import make_environment, make_organization, make_project, make_team


@pytest.fixture
def house(alice: User, charlie: User) -> Organization:
    return make_organization("house", owners=(charlie,), members=(alice,))


@pytest.fixture
def gpu(house: Organization) -> Environment:
    return make_environment("gpu", owner=house.owner)


def place(environment: Environment, team: object, max_running: int | None) -> None:
    TeamPlace.objects.create(environment=environment, team=team, max_running=max_running)


def test_a_team_s_project_uses_the_team_s_quota_whoever_runs(
    house: Organization, alice: User, charlie: User, gpu: Environment
) -> None:
    own, other = make_team(house, "own"), make_team(house, "other", members=(alice,))
    place(gpu, other, 9)
    project = make_project(house, team=own)
    assert quota_team(user=alice, project=project, environment=gpu) == own
    assert quota_team(user=charlie, project=project, environment=gpu) == own


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [((1, 5, 0), 1), ((1, None, 5), 1), ((0, 0, 0), 0), ((2, 2, 1), 0)],
    ids=["the highest", "no limit is more than any", "blocked by all", "the first by name"],
)
def test_elsewhere_the_most_permissive_of_the_user_s_teams_counts(
    house: Organization, alice: User, gpu: Environment, quotas: tuple[int | None, ...], expected: int
) -> None:
    teams = [make_team(house, f"team-{number}", members=(alice,)) for number in range(3)]
    for team, quota in zip(teams, quotas, strict=True):
        place(gpu, team, quota)
    assert quota_team(user=alice, project=make_project(house), environment=gpu) == teams[expected]
    assert quota_team(user=alice, project=make_project(alice), environment=gpu) == teams[expected]


def test_teams_without_a_place_and_teams_of_others_do_not_count(
    house: Organization, alice: User, charlie: User, gpu: Environment
) -> None:
    make_team(house, "placeless", members=(alice,))
    place(gpu, make_team(house, "of-others", members=(charlie,)), 3)
    assert quota_team(user=alice, project=make_project(house), environment=gpu) is None


def test_another_organization_s_team_has_no_quota_in_this_one_s_projects(
    house: Organization, alice: User
) -> None:
    shared = make_environment("shared")
    abroad = make_team(make_organization("abroad", members=(alice,)), "abroad", members=(alice,))
    place(shared, abroad, 3)
    assert quota_team(user=alice, project=make_project(house), environment=shared) is None
    assert quota_team(user=alice, project=make_project(alice), environment=shared) == abroad
