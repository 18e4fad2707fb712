"""Transfers: who may give a project to whom, what goes with it, and what a refusal leaves as it was."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEvent
from common import notices
from common.errors import DomainError
from datastores.models import DataStore
from environments.models import TeamPlace
from organizations.access import may
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects import services
from projects.models import FormerAddress, Project, VariableGroup
from projects.selectors import get_project_by_name, ownership_options
from projects.services.ownership import effects_of_transfer
from tests.conftest import api_of
from tests.support import factories
from tests.web.addresses import page

Role = OrganizationMembership.Role


@pytest.fixture
def acme(alice: User) -> Organization:
    """Alice works there, Olga owns it, Vera only looks."""
    olga, vera = factories.make_user("olga"), factories.make_user("vera")
    acme = factories.make_organization("acme", owners=(olga,), members=(alice,))
    OrganizationMembership.objects.create(organization=acme, user=vera, role=Role.VIEWER)
    return acme


@pytest.fixture
def vision(acme: Organization, alice: User) -> Team:
    return factories.make_team(acme, "vision", members=(alice,))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Topics of the notices that left."""
    topics: list[str] = []
    monkeypatch.setattr(notices, "publish", lambda topic, kind, **facts: topics.append(topic))
    return topics


def transfer(api: APIClient, project: Project, owner: object) -> Any:
    return api.post(f"/api/v0/projects/{project.pk}/transfer/", {"owner": owner}, format="json")


def place_of(project: Project) -> tuple[str, str | None]:
    found = Project.objects.get(pk=project.pk)
    return found.owner.name, found.team.name if found.team else None


class TestTransfer:
    def test_from_oneself_to_an_organization_to_a_team_and_back(
        self, alice: User, alice_api: APIClient, project: Project, vision: Team
    ) -> None:
        commit = factories.make_commit(project)
        for owner, place in (
            ("acme", ("acme", None)),
            ("acme:vision", ("acme", "vision")),
            ("alice", ("alice", None)),
        ):
            answer = transfer(alice_api, project, owner)
            assert answer.status_code == 200
            assert answer.json()["owner"]["username"] == place[0]
            assert answer.json()["urls"]["display"].endswith(f"/p/{place[0]}/{project.name}/")
            assert place_of(project) == place
        assert project.commits.get() == commit
        assert AuditEvent.objects.filter(kind="project.transferred").count() == 3

    def test_both_owners_may_read_about_it(
        self, alice: User, alice_api: APIClient, project: Project, vision: Team
    ) -> None:
        transfer(alice_api, project, "acme:vision")
        event = AuditEvent.objects.get(kind="project.transferred")
        assert set(event.owner_ids) == {alice.pk, vision.organization_id}
        assert (event.before, event.after) == (
            {"owner": "alice", "team": None},
            {"owner": "acme", "team": "vision"},
        )
        assert (event.actor_name, event.project_id) == ("alice", project.pk)

    def test_to_where_it_is_changes_nothing(
        self, alice_api: APIClient, project: Project, acme: Organization
    ) -> None:
        assert transfer(alice_api, project, "alice").status_code == 200
        assert not AuditEvent.objects.exists()
        assert not FormerAddress.objects.exists()

    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_by_a_change_of_the_project(
        self, alice_api: APIClient, project: Project, acme: Organization, method: str
    ) -> None:
        body = {"name": "renamed", "owner": "acme"}
        answer = getattr(alice_api, method)(f"/api/v0/projects/{project.pk}/", body)
        assert (answer.status_code, answer.json()["name"]) == (200, "renamed")
        assert place_of(project) == ("acme", None)
        kinds = AuditEvent.objects.values_list("kind", flat=True)
        assert sorted(kinds) == ["project.renamed", "project.transferred"]

    def test_a_change_of_which_one_half_is_refused_does_nothing(
        self, alice_api: APIClient, project: Project, acme: Organization
    ) -> None:
        answer = alice_api.patch(f"/api/v0/projects/{project.pk}/", {"name": "a b", "owner": "acme"})
        assert answer.status_code == 400
        assert place_of(project) == ("alice", None)
        assert not AuditEvent.objects.exists()

    def test_superusers_give_it_to_anybody(
        self, superuser_api: APIClient, project: Project, vision: Team, charlie: User
    ) -> None:
        assert transfer(superuser_api, project, "acme:vision").status_code == 200
        assert transfer(superuser_api, project, "charlie").status_code == 200
        assert place_of(project) == ("charlie", None)


class TestRefusals:
    @pytest.fixture
    def before(self, project: Project) -> tuple[str, str | None]:
        return place_of(project)

    def assert_refused(self, answer: Any, project: Project, status: int = 400, code: str = "") -> str:
        assert answer.status_code == status, answer.content
        assert place_of(project) == ("alice", None)
        assert not FormerAddress.objects.exists()
        assert not AuditEvent.objects.exists()
        fault = answer.json().get("owner", [answer.json()])[0] if status == 400 else answer.json()
        if code:
            assert fault["code"] == code
        return str(answer.content.decode())

    @pytest.mark.parametrize(
        "owner",
        [
            "acme:nothing", "acme:", "theirs", "theirs:core", "acme:core", "charlie", "alice:vision", "\u0430cme", "acme/vision",
            "ACME:VISION", "acme:vision\0", "", "x" * 500, "acme ; drop", "../acme",
        ],
    )  # fmt: skip
    def test_owners_that_one_may_not_choose(
        self, alice_api: APIClient, project: Project, vision: Team, charlie: User, owner: str
    ) -> None:
        """Nobody's, somebody else's, a team of another organization, look-alikes (the first letter of one is Cyrillic)."""
        factories.make_team(factories.make_organization("theirs", owners=(charlie,)), "core")
        answer = transfer(alice_api, project, owner)
        if owner == "acme:":
            assert answer.status_code == 200, "an empty team is no team"
            return
        self.assert_refused(answer, project)

    @pytest.mark.parametrize("owner", [["acme"], {"name": "acme"}, None, 7])
    def test_owners_that_are_no_text(
        self, alice_api: APIClient, project: Project, acme: Organization, owner: object
    ) -> None:
        self.assert_refused(transfer(alice_api, project, owner), project)

    def test_an_organization_where_one_only_looks(self, project: Project, alice: User) -> None:
        looked_at = factories.make_organization("looked-at")
        OrganizationMembership.objects.create(organization=looked_at, user=alice, role=Role.VIEWER)
        self.assert_refused(transfer(api_of(alice), project, "looked-at"), project, code="does_not_exist")

    def test_an_organization_and_a_team_that_one_has_left(
        self, alice: User, alice_api: APIClient, project: Project, vision: Team
    ) -> None:
        TeamMembership.objects.filter(user=alice).delete()
        self.assert_refused(transfer(alice_api, project, "acme:vision"), project)
        OrganizationMembership.objects.filter(user=alice).delete()
        self.assert_refused(transfer(alice_api, project, "acme:vision"), project)
        self.assert_refused(transfer(alice_api, project, "acme"), project)

    def test_a_team_where_one_only_reads(
        self, alice: User, alice_api: APIClient, project: Project, vision: Team
    ) -> None:
        TeamMembership.objects.filter(user=alice).update(is_read_only=True)
        self.assert_refused(transfer(alice_api, project, "acme:vision"), project)

    def test_an_organization_that_wants_a_second_factor(
        self, alice_api: APIClient, project: Project, acme: Organization
    ) -> None:
        Organization.objects.update(require_2fa=True)
        self.assert_refused(transfer(alice_api, project, "acme"), project)

    def test_a_name_that_is_taken_there(
        self, alice_api: APIClient, project: Project, acme: Organization
    ) -> None:
        factories.make_project(acme, project.name.upper())
        answer = transfer(alice_api, project, "acme")
        assert place_of(project) == ("alice", None)
        assert not AuditEvent.objects.exists()
        fault = answer.json()["name"][0]
        assert (answer.status_code, fault["code"]) == (400, "unique")
        assert f"acme already has a project called '{project.name}'" in fault["message"]

    def test_back_to_oneself_where_that_is_forbidden(
        self, alice: User, alice_api: APIClient, acme: Organization
    ) -> None:
        Organization.objects.update(forbid_personal_projects=True)
        ours = factories.make_project(acme, creator=alice)
        answer = transfer(alice_api, ours, "alice")
        assert answer.json()["owner"][0]["code"] == "personal_projects_forbidden"
        assert place_of(ours) == ("acme", None)

    def test_only_administrators_of_the_project_give_it_away(
        self, project: Project, bob: User, bob_api: APIClient, charlie_api: APIClient
    ) -> None:
        self.assert_refused(transfer(bob_api, project, "bob"), project, status=403)
        self.assert_refused(transfer(charlie_api, project, "charlie"), project, status=404)

    def test_a_team_and_an_owner_that_do_not_belong_together(
        self, alice: User, project: Project, vision: Team
    ) -> None:
        with pytest.raises(DomainError):
            services.transfer_project(project=project, actor=alice, owner=alice.owner, team=vision)
        assert place_of(project) == ("alice", None)


class TestWhatMoves:
    def test_collaborators_stay_and_the_others_change(
        self,
        alice: User,
        bob: User,
        project: Project,
        vision: Team,
        heard: list[str],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        vera = User.objects.get(username="vera")
        with django_capture_on_commit_callbacks(execute=True):
            moved = services.transfer_project(
                project=project, actor=alice, owner=vision.organization.owner, team=None
            )
        assert may(bob, "run", moved)
        assert may(vera, "view", moved)
        assert not any(topic.startswith("access:") for topic in heard), "nobody lost anything"
        with django_capture_on_commit_callbacks(execute=True):
            moved = services.transfer_project(
                project=moved, actor=alice, owner=vision.organization.owner, team=vision
            )
        assert not may(vera, "view", moved)
        assert [topic for topic in heard if topic.startswith("access:")] == [f"access:{vera.pk}"]

    def test_what_the_new_owner_may_not_use_is_no_longer_chosen(
        self, alice: User, project: Project, acme: Organization
    ) -> None:
        mine = factories.make_environment("mine", owner=alice.owner)
        store = factories.make_store(
            name="mine", is_default=False, owner=alice.owner, access_mode="owner_organization"
        )
        project.default_environment_slug, project.upload_store_id = mine.slug, store.pk
        project.save()
        effects = effects_of_transfer(project=project, actor=alice, owner=acme.owner)
        assert [choice.label for choice in effects.cleared] == ["default environment", "store of outputs"]
        assert Project.objects.get(pk=project.pk).default_environment_slug == "mine", (
            "looking changes nothing"
        )
        moved = services.transfer_project(project=project, actor=alice, owner=acme.owner)
        assert (moved.default_environment_slug, moved.upload_store_id) == ("", None)
        event = AuditEvent.objects.get()
        assert event.before["default_environment_slug"] == "mine"
        assert event.after["upload_store_id"] is None

    def test_what_everybody_may_use_stays_chosen(
        self, alice: User, project: Project, acme: Organization
    ) -> None:
        shared = factories.make_environment("shared")
        store = factories.make_store()
        project.default_environment_slug, project.upload_store_id = shared.slug, store.pk
        project.save()
        moved = services.transfer_project(project=project, actor=alice, owner=acme.owner)
        assert (moved.default_environment_slug, moved.upload_store_id) == ("shared", store.pk)

    def test_a_store_of_the_project_itself_goes_with_it(
        self, alice: User, project: Project, acme: Organization
    ) -> None:
        mode = DataStore.AccessMode.SINGLE_PROJECT
        store = factories.make_store(name="own", is_default=False, project=project, access_mode=mode)
        Project.objects.update(upload_store_id=store.pk)
        moved = services.transfer_project(project=project, actor=alice, owner=acme.owner)
        assert moved.upload_store_id == store.pk

    @pytest.mark.parametrize(
        ("environment", "place", "kept"),
        [
            ({}, None, True),
            ({"restricted_to_teams": True}, None, False),
            ({"restricted_to_teams": True}, {"max_running": 3}, True),
            ({"restricted_to_teams": True}, {"max_running": 0}, False),
        ],
    )
    def test_between_teams_of_an_organization(
        self, alice: User, vision: Team, environment: Any, place: Any, kept: bool
    ) -> None:
        acme = vision.organization
        gpu = factories.make_environment("gpu", owner=acme.owner, **environment)
        if place is not None:
            TeamPlace.objects.create(environment=gpu, team=vision, **place)
        ours = factories.make_project(acme, creator=alice, default_environment_slug="gpu")
        moved = services.transfer_project(project=ours, actor=alice, owner=acme.owner, team=vision)
        assert moved.default_environment_slug == ("gpu" if kept else "")

    @pytest.mark.parametrize("personal", [True, False])
    def test_an_environment_of_the_organization_in_a_personal_project(
        self, alice: User, acme: Organization, personal: bool
    ) -> None:
        factories.make_environment("gpu", owner=acme.owner, allow_personal_usage=personal)
        ours = factories.make_project(acme, creator=alice, default_environment_slug="gpu")
        moved = services.transfer_project(project=ours, actor=alice, owner=alice.owner)
        assert moved.default_environment_slug == ("gpu" if personal else "")

    def test_groups_of_variables_of_another_organization_no_longer_apply(
        self, alice: User, acme: Organization
    ) -> None:
        other = factories.make_organization("other", members=(alice,))
        ours = factories.make_project(acme, creator=alice)
        group = VariableGroup.objects.create(organization=acme, name="keys")
        group.projects.add(ours)
        assert effects_of_transfer(project=ours, actor=alice, owner=other.owner).groups == [group]
        services.transfer_project(project=ours, actor=alice, owner=other.owner)
        assert not ours.variable_groups.exists()
        event = AuditEvent.objects.get()
        assert (event.before["variable_groups"], event.after["variable_groups"]) == (["keys"], [])

    def test_groups_stay_within_an_organization(self, alice: User, vision: Team) -> None:
        acme = vision.organization
        ours = factories.make_project(acme, creator=alice)
        VariableGroup.objects.create(organization=acme, name="keys").projects.add(ours)
        services.transfer_project(project=ours, actor=alice, owner=acme.owner, team=vision)
        assert ours.variable_groups.count() == 1


class TestFormerAddresses:
    def test_a_page_under_the_old_name_leads_to_the_new_one(
        self, alice: User, alice_browser: Client, project: Project
    ) -> None:
        old = project.full_name
        services.update_project(project=project, actor=alice, name="renamed")
        answer = alice_browser.get(f"/p/{old}/commits/?ref=main&page=2")
        assert (answer.status_code, answer["Location"]) == (302, "/p/alice/renamed/commits/?ref=main&page=2")
        assert alice_browser.get(f"/p/{old.upper()}/")["Location"] == "/p/alice/renamed/"

    def test_every_kind_of_page(
        self, alice: User, alice_browser: Client, project: Project, acme: Organization
    ) -> None:
        execution = factories.make_execution(project)
        old = project.full_name
        moved = services.transfer_project(project=project, actor=alice, owner=acme.owner)
        for tail in ("", "data/", "settings/general/", "executions/create/", f"execution/{execution.pk}/"):
            answer = alice_browser.get(f"/p/{old}/{tail}")
            assert (answer.status_code, answer["Location"]) == (302, f"/p/acme/{moved.name}/{tail}")
            assert alice_browser.get(answer["Location"]).status_code == 200, tail

    def test_nothing_is_sent_to_another_address(
        self, alice: User, alice_browser: Client, project: Project
    ) -> None:
        old = page("project_settings", project, tab="general")
        services.update_project(project=project, actor=alice, name="renamed")
        body = {"name": "again", "yaml_path": "valohai.yaml"}
        answer = alice_browser.post(old, body)
        assert answer.status_code == 404
        assert "now called alice/renamed" in answer.content.decode()
        assert Project.objects.get(pk=project.pk).name == "renamed"

    def test_it_leads_only_those_who_see_the_project(
        self, alice: User, charlie_browser: Client, project: Project
    ) -> None:
        old = page("project", project)
        services.update_project(project=project, actor=alice, name="renamed")
        answer = charlie_browser.get(old)
        assert answer.status_code == 404
        assert "renamed" not in answer.content.decode()
        assert "does not exist" in answer.content.decode()

    def test_a_new_project_that_takes_the_name_wins(self, alice: User, project: Project) -> None:
        name = project.name
        services.update_project(project=project, actor=alice, name="renamed")
        taken = services.create_project(actor=alice, name=name.upper())
        assert get_project_by_name(alice, "alice", name) == taken
        assert not FormerAddress.objects.exists()

    def test_of_two_that_left_an_address_the_later_one_is_meant(self, alice: User) -> None:
        first = services.create_project(actor=alice, name="name")
        services.update_project(project=first, actor=alice, name="first")
        second = services.create_project(actor=alice, name="name")
        services.update_project(project=second, actor=alice, name="second")
        assert FormerAddress.objects.get().project == second

    def test_there_and_back_leaves_the_other_address_only(self, alice: User, project: Project) -> None:
        name = project.name
        services.update_project(project=project, actor=alice, name="renamed")
        services.update_project(project=project, actor=alice, name=name)
        assert FormerAddress.objects.get().name == "renamed"

    def test_another_case_is_the_same_address(self, alice: User, project: Project) -> None:
        services.update_project(project=project, actor=alice, name=project.name.upper())
        assert not FormerAddress.objects.exists()

    def test_the_api_knows_it_by_its_id(
        self, alice_api: APIClient, project: Project, acme: Organization
    ) -> None:
        transfer(alice_api, project, "acme")
        assert alice_api.get(f"/api/v0/projects/{project.pk}/").json()["owner"]["username"] == "acme"

    def test_a_refused_rename_remembers_nothing(self, alice: User, project: Project) -> None:
        factories.make_project(alice, "taken")
        with pytest.raises(DomainError):
            services.update_project(project=project, actor=alice, name="taken")
        assert not FormerAddress.objects.exists()
        assert not AuditEvent.objects.exists()


class TestOptions:
    @pytest.mark.parametrize("organizations", [1, 8])
    def test_they_cost_the_same_for_few_and_many(
        self, alice: User, organizations: int, django_assert_num_queries: Any
    ) -> None:
        for _ in range(organizations):
            organization = factories.make_organization(members=(alice,))
            factories.make_team(organization, members=(alice,))
        with django_assert_num_queries(3):
            assert len(ownership_options(alice)) == 2 * organizations + 1

    def test_a_member_who_only_looks_has_none_there(self, acme: Organization) -> None:
        vera = User.objects.get(username="vera")
        assert ownership_options(vera) == ["vera"]
        Organization.objects.update(forbid_personal_projects=True)
        assert ownership_options(vera) == []
