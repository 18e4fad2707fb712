"""Who has access and why, against what `organizations.access` says, for every way to come to rights."""

import itertools
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from organizations.access import NOTHING, Capability, capabilities
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects import members
from projects.models import Project, Repository
from tests.conftest import api_of, browser_of
from tests.support import factories
from tests.web.addresses import page

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role
IN_TEAM: dict[str, dict[str, bool]] = {
    "works": {},
    "reads": {"is_read_only": True},
    "administers": {"allow_project_administration": True},
    "reads and administers": {"is_read_only": True, "allow_project_administration": True},
}


class Cast:
    """One user for every combination of role, place in the team, and collaboration."""

    def __init__(self) -> None:
        self.organization = factories.make_organization("acme", owners=(factories.make_user("boss"),))
        self.team = factories.make_team(self.organization, "vision")
        self.project = factories.make_project(self.organization, "churn", creator=None)
        self.users: dict[tuple[str | None, str | None, bool | None], User] = {}
        combinations = itertools.product((None, *Role.values), (None, *IN_TEAM), (None, False, True))
        for role, place, is_read_only in combinations:
            user = factories.make_user()
            self.users[role, place, is_read_only] = user
            if role:
                OrganizationMembership.objects.create(organization=self.organization, user=user, role=role)
            if place:
                TeamMembership.objects.create(team=self.team, user=user, **IN_TEAM[place])
            if is_read_only is not None:
                factories.make_collaborator(self.project, user, is_read_only=is_read_only)

    def assert_members_are_those_with_rights(self) -> None:
        project = Project.objects.select_related("owner", "team").get(pk=self.project.pk)
        found = members.members_among(project, members.users_with_access(project))
        by_user = {member.user.pk: member for member in found}
        for user in User.objects.filter(is_superuser=False):
            granted = capabilities(user, project)
            member = by_user.get(user.pk)
            assert (member.capabilities if member else NOTHING) == granted, user
            assert member is None or member.reasons, "whoever is listed has a reason"


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


@pytest.mark.parametrize("in_team", [True, False])
@pytest.mark.parametrize("require_2fa", [True, False])
def test_members_are_those_with_rights(cast: Cast, in_team: bool, require_2fa: bool) -> None:
    Project.objects.update(team=cast.team if in_team else None)
    Organization.objects.update(require_2fa=require_2fa)
    users = list(cast.users.values())
    for user in users[::2]:
        factories.make_second_factor(user)
    User.objects.filter(pk__in=[user.pk for user in users[::5]]).update(is_active=False)
    cast.assert_members_are_those_with_rights()


@pytest.mark.parametrize("combination", [("member", None, None), ("viewer", None, None), (None, None, False)])
def test_so_is_whoever_created_it(cast: Cast, combination: Any) -> None:
    Project.objects.update(creator=cast.users[combination])
    cast.assert_members_are_those_with_rights()


def test_a_personal_project(cast: Cast) -> None:
    owner = cast.users["owner", "works", None]
    Project.objects.update(owner=owner.owner)
    cast.assert_members_are_those_with_rights()


def test_they_cost_the_same_for_few_and_many(cast: Cast, django_assert_num_queries: Any) -> None:
    Project.objects.update(team=cast.team)
    project = Project.objects.select_related("owner", "team").get(pk=cast.project.pk)
    for number in (3, 50):
        with django_assert_num_queries(5):
            members.members_among(project, members.users_with_access(project)[:number])


def test_colleagues_are_those_to_whom_a_collaboration_gives_something(cast: Cast) -> None:
    def found() -> set[int]:
        project = Project.objects.get(pk=cast.project.pk)
        return {user.pk for user in members.colleagues_without_access(project)}

    def expected(*combinations: tuple[str, str | None, None]) -> set[int]:
        return {cast.users[combination].pk for combination in combinations}

    viewers = [("viewer", place, None) for place in (None, *IN_TEAM)]
    assert found() == expected(*viewers)  # type: ignore[arg-type]
    Project.objects.update(team=cast.team)
    outside = [(role, place, None) for role in ("member", "viewer") for place in (None, "reads")]
    assert found() == expected(*outside)  # type: ignore[arg-type]


class TestRolesInApiAndPages:
    """What each role is told and shown."""

    # Level, role in the organization, rights in the team (None: not in it), collaboration (is it read only).
    ROLES: tuple[tuple[str, str | None, dict[str, bool] | None, bool | None], ...] = (
        ("administrator", "owner", None, None),
        ("member", "member", {}, None),
        ("viewer", "member", {"is_read_only": True}, None),
        ("administrator", "viewer", {"allow_project_administration": True}, None),
        ("", "member", None, None),
        ("", "viewer", None, None),
        ("member", None, None, False),
        ("viewer", None, None, True),
        ("member", "viewer", {"is_read_only": True}, False),
        ("", None, None, None),
    )

    @pytest.fixture
    def ours(self) -> Project:
        acme = factories.make_organization("acme", owners=(factories.make_user("boss"),))
        team: Team = factories.make_team(acme, "vision")
        ours = factories.make_project(acme, "churn", team=team, creator=None)
        Repository.objects.create(project=ours, url="https://git.example.com/code.git")
        factories.make_execution(ours)
        return ours

    @pytest.fixture(params=ROLES, ids=lambda role: " ".join(str(part) for part in role))
    def person(self, request: pytest.FixtureRequest, ours: Project) -> tuple[str, User]:
        level, role, place, collaboration = request.param
        user = factories.make_user("person")
        if role:
            organization = Organization.objects.get()
            OrganizationMembership.objects.create(organization=organization, user=user, role=role)
        if place is not None and ours.team:
            TeamMembership.objects.create(team=ours.team, user=user, **place)
        if collaboration is not None:
            factories.make_collaborator(ours, user, is_read_only=collaboration)
        return level, user

    def test_read_only_in_the_api(self, ours: Project, person: tuple[str, User]) -> None:
        level, user = person
        answer = api_of(user).get(f"/api/v0/projects/{ours.pk}/")
        if not level:
            assert answer.status_code == 404
            return
        assert answer.json()["read_only"] is (level == "viewer")
        (row,) = api_of(user).get("/api/v0/projects/").json()["results"]
        assert row["read_only"] is (level == "viewer")

    def test_controls_on_pages(self, ours: Project, person: tuple[str, User]) -> None:
        level, user = person
        browser: Client = browser_of(user)
        answer = browser.get(page("project", ours))
        if not level:
            assert answer.status_code == 404
            return
        text = answer.content.decode()
        settings_url = page("project_settings", ours, tab="general")
        works = level != "viewer"
        assert (settings_url in text) is (level == "administrator")
        assert (browser.get(settings_url).status_code == 200) is (level == "administrator")
        assert (page("execution_create", ours) in text) is works
        assert ("Fetch repository" in text) is works
        assert ("select-all" in text) is works
        assert ("read only" in text) is not works
        data = browser.get(page("project_data", ours)).content.decode()
        assert ("#upload" in data) is works

    def test_whoever_only_looks_is_told_why(self, ours: Project) -> None:
        reader = factories.make_user("reader")
        TeamMembership.objects.create(team=Team.objects.get(), user=reader, is_read_only=True)
        execution = ours.executions.get()
        for address in (page("project", ours), page("execution", ours, execution_id=execution.pk)):
            text = browser_of(reader).get(address).content.decode()
            assert "you are a read-only member of the team vision" in text

    def test_nothing_to_run_is_not_an_invitation_to_run(self, ours: Project) -> None:
        ours.executions.all().delete()
        reader = factories.make_user("reader")
        factories.make_collaborator(ours, reader, is_read_only=True)
        text = browser_of(reader).get(page("project", ours)).content.decode()
        assert "Nothing has run here yet" in text
        assert "vh " not in text


def test_superusers_are_not_listed_and_may_do_all(cast: Cast, superuser: User) -> None:
    project = Project.objects.get(pk=cast.project.pk)
    assert Capability.ADMINISTER in capabilities(superuser, project)
    assert members.member_of(project, superuser) is None
