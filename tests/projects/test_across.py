"""Pages over many projects are those of the plain query, whichever way they are found."""

from typing import Any

import pytest

from accounts.models import User
from executions.models import Execution
from organizations.access import visible_to
from projects import across
from projects.across import AcrossProjects
from tests.support import factories


@pytest.fixture
def installation(alice: User, bob: User, charlie: User) -> None:
    """Executions of projects of several people, mixed in time; every third is deleted."""
    house = factories.make_organization("house", owners=(charlie,), members=(alice,))
    projects = [
        factories.make_project(alice), factories.make_project(house), factories.make_project(charlie),
        factories.make_project(house, team=factories.make_team(house, members=(bob,))),
    ]  # fmt: skip
    commits = [factories.make_commit(project) for project in projects]
    for number in range(36):
        factories.make_execution(commit=commits[number * 7 % 4], step=f"step{number % 2}")
    for execution in Execution.objects.all()[::3]:
        Execution.objects.filter(pk=execution.pk).update(deleted_at=execution.created_at)


@pytest.mark.parametrize(("window", "largest"), [(1, 1000), (5, 20), (30, 1000), (2_000, 25_000)])
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_and_counts_are_those_of_the_plain_query(
    installation: None, superuser: User, monkeypatch: Any, window: int, largest: int, newest_first: bool
) -> None:
    monkeypatch.setattr(across, "WINDOW", window)
    monkeypatch.setattr(across, "LARGEST_WINDOW", largest)
    nobody = factories.make_user("nobody")
    for user in (*User.objects.filter(username__in=["alice", "bob", "charlie"]), superuser, nobody):
        for asked in ({}, {"step": "step1"}, {"deleted_at": None}, {"step": "none"}):
            rows = Execution.objects.filter(**asked)
            plain = rows.filter(visible_to(user, via="project")).order_by("-pk" if newest_first else "pk")
            found = AcrossProjects(user, rows, newest_first=newest_first)
            assert found.count() == plain.count()
            for begin, end in ((0, 1), (0, 5), (3, 9), (0, 100), (50, 60)):
                assert list(found[begin:end]) == list(plain[begin:end]), (user, asked, begin, end)


def test_whoever_is_inactive_sees_nothing(installation: None, alice: User) -> None:
    alice.is_active = False
    found = AcrossProjects(alice, Execution.objects.all())
    assert (list(found[0:10]), found.count()) == ([], 0)
