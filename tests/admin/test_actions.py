"""What a superuser can do on the administration site, and what it refuses."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, Owner, TotpDevice, User
from accounts.services import create_api_token
from audit.models import AuditEvent
from common import clock, notices
from environments.models import Environment
from executions.types import Status
from organizations.models import Organization, OrganizationMembership, Team, TeamMembership
from projects.models import Project, ProjectVariable, Repository
from tests.support import factories

pytestmark = pytest.mark.django_db

Role = OrganizationMembership.Role


@pytest.fixture
def root(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


def url(kind: str, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{kind}_{page}", args=arguments)


def act(client: Client, kind: str, action: str, *rows: Any, **more: str) -> Any:
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(url(kind, "changelist"), body, follow=True)


class TestUsers:
    def test_a_new_one_gets_a_place_among_the_owners(self, root: Client) -> None:
        password = "a long enough secret"
        body = {"username": "dora", "email": "", "usable_password": "true", "password1": password}
        answer = root.post(url("accounts_user", "add"), {**body, "password2": password})
        assert answer.status_code == 302
        user = User.objects.get(username="dora")
        assert user.check_password(password)
        assert Owner.objects.get(pk=user.pk).name == "dora"

    def test_a_name_that_an_organization_has_is_refused(self, root: Client) -> None:
        factories.make_organization("Acme")
        password = "a long enough secret"
        body = {"username": "acme", "usable_password": "true", "password1": password, "password2": password}
        answer = root.post(url("accounts_user", "add"), body)
        assert "exists already" in answer.content.decode()
        assert not User.objects.filter(username="acme").exists()

    def test_disabled_ones_are_out_at_once(self, root: Client, alice: User) -> None:
        _, secret = create_api_token(user=alice, name="laptop")
        browser = Client()
        browser.force_login(alice)
        act(root, "accounts_user", "disable_users", alice)
        headers = {"Authorization": f"Token {secret}"}
        assert Client().get("/api/v0/users/me/", headers=headers).status_code == 401
        assert browser.get("/api/v0/users/me/").status_code == 401
        act(root, "accounts_user", "enable_users", alice)
        assert Client().get("/api/v0/users/me/", headers=headers).status_code == 200

    def test_nobody_locks_themselves_out(self, root: Client, superuser: User) -> None:
        answer = act(root, "accounts_user", "disable_users", superuser)
        assert "account that you are using" in answer.content.decode()
        form = {"email": "root@example.com", "first_name": "", "last_name": ""}
        root.post(url("accounts_user", "change", superuser.pk), form)
        superuser.refresh_from_db()
        assert (superuser.is_active, superuser.is_superuser) == (True, True)

    def test_the_name_stays_and_the_rest_can_change(self, root: Client, alice: User) -> None:
        form = {"username": "mallory", "email": "new@example.com", "first_name": "Al", "last_name": "Ice"}
        root.post(url("accounts_user", "change", alice.pk), form)
        alice.refresh_from_db()
        assert (alice.username, alice.email, alice.is_superuser) == ("alice", "new@example.com", False)

    def test_a_new_password_ends_sessions(self, root: Client, alice: User) -> None:
        browser = Client()
        browser.force_login(alice)
        form = {
            "usable_password": "true",
            "password1": "another long secret",
            "password2": "another long secret",
        }
        root.post(reverse("admin:auth_user_password_change", args=[alice.pk]), form)
        alice.refresh_from_db()
        assert alice.check_password("another long secret")
        assert browser.get("/api/v0/users/me/").status_code == 401

    def test_tokens_are_revoked(self, root: Client, alice: User, bob: User) -> None:
        create_api_token(user=alice, name="one")
        create_api_token(user=alice, name="two")
        kept, _ = create_api_token(user=bob, name="three")
        act(root, "accounts_user", "revoke_tokens", alice)
        assert list(ApiToken.objects.values_list("pk", flat=True)) == [kept.pk]

    def test_nobody_is_deleted(self, root: Client, alice: User) -> None:
        assert root.post(url("accounts_user", "delete", alice.pk), {"post": "yes"}).status_code == 403
        act(root, "accounts_user", "delete_selected", alice)
        assert User.objects.filter(pk=alice.pk).exists()


class TestOrganizations:
    def test_create_with_members_and_teams(self, root: Client, superuser: User, alice: User) -> None:
        root.post(url("organizations_organization", "add"), {"name": "acme"})
        acme = Organization.objects.get(owner__name="acme")
        assert acme.memberships.get().user == superuser
        body = {"organization": acme.pk, "user": alice.pk, "role": Role.MEMBER}
        root.post(url("organizations_organizationmembership", "add"), body)
        assert acme.memberships.get(user=alice).role == Role.MEMBER
        root.post(url("organizations_team", "add"), {"organization": acme.pk, "name": "vision"})
        team = Team.objects.get(name="vision")
        root.post(
            url("organizations_teammembership", "add"),
            {"team": team.pk, "user": alice.pk, "is_read_only": "on"},
        )
        assert team.memberships.get(user=alice).is_read_only

    def test_the_last_owner_stays(self, root: Client, alice: User) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        membership = acme.memberships.get()
        kind = "organizations_organizationmembership"
        answer = root.post(url(kind, "change", membership.pk), {"role": Role.MEMBER}, follow=True)
        assert "only owner" in answer.content.decode()
        act(root, kind, "delete_selected", membership, post="yes")
        membership.refresh_from_db()
        assert membership.role == Role.OWNER

    def test_leaving_ends_team_memberships(self, root: Client, alice: User, bob: User) -> None:
        acme = factories.make_organization("acme", owners=(alice,), members=(bob,))
        factories.make_team(acme, members=(bob,))
        membership = acme.memberships.get(user=bob)
        root.post(url("organizations_organizationmembership", "delete", membership.pk), {"post": "yes"})
        assert not acme.memberships.filter(user=bob).exists()
        assert not TeamMembership.objects.filter(user=bob).exists()

    def test_a_stranger_does_not_enter_a_team(self, root: Client, alice: User, charlie: User) -> None:
        team = factories.make_team(factories.make_organization("acme", owners=(alice,)))
        body = {"team": team.pk, "user": charlie.pk}
        answer = root.post(url("organizations_teammembership", "add"), body, follow=True)
        assert "not a member" in answer.content.decode()
        assert not team.memberships.exists()


class TestSecrets:
    def test_blank_keeps_what_is_stored(self, root: Client, project: Any) -> None:
        variable = ProjectVariable.objects.create(project=project, name="KEY", value="old", secret=True)
        root.post(url("projects_projectvariable", "change", variable.pk), {"value": "", "secret": "on"})
        variable.refresh_from_db()
        assert variable.value == "old"
        root.post(url("projects_projectvariable", "change", variable.pk), {"value": "new", "secret": "on"})
        variable.refresh_from_db()
        assert variable.value == "new"

    def test_of_a_repository(self, root: Client, project: Any) -> None:
        repository = Repository.objects.create(
            project=project, url="https://git.example.com/x.git", access_token="old"
        )
        form = {"url": repository.url, "fetch_reference": "main", "access_token": "", "private_key": ""}
        root.post(url("projects_repository", "change", repository.pk), form)
        repository.refresh_from_db()
        assert (repository.access_token, repository.fetch_reference) == ("old", "main")
        root.post(url("projects_repository", "change", repository.pk), {**form, "access_token": "new"})
        repository.refresh_from_db()
        assert repository.access_token == "new"

    def test_of_a_store(self, root: Client) -> None:
        store = factories.make_store(credentials='{"secret": 1}')
        form = {
            "name": "renamed",
            "access_mode": "public",
            "configuration": "{}",
            "allow_read": "on",
            "credentials": "",
        }
        assert root.post(url("datastores_datastore", "change", store.pk), form).status_code == 302
        store.refresh_from_db()
        assert (store.name, store.credentials, store.allow_write) == ("renamed", '{"secret": 1}', False)


class TestExecutions:
    def test_stop(self, root: Client, project: Any) -> None:
        running = factories.make_execution(project, status=Status.STARTED)
        done = factories.make_execution(project, status=Status.COMPLETE)
        act(root, "executions_execution", "stop", running, done)
        running.refresh_from_db()
        done.refresh_from_db()
        assert (running.status, done.status) == (Status.STOPPING, Status.COMPLETE)

    def test_nothing_is_edited(self, root: Client, project: Any) -> None:
        execution = factories.make_execution(project, status=Status.STARTED)
        page = url("executions_execution", "change", execution.pk)
        assert root.post(page, {"status": "complete"}).status_code == 403
        execution.refresh_from_db()
        assert execution.status == Status.STARTED


class TestData:
    def test_purging_asks_first(
        self, root: Client, project: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        first, second = (factories.make_datum(project, name=name) for name in ("a.txt", "b.txt"))
        asked = act(root, "datastores_datum", "purge", first)
        assert "Delete the content of 1 files?" in asked.content.decode()
        first.refresh_from_db()
        assert first.purged_at is None
        act(root, "datastores_datum", "purge", first, confirmed="yes")
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.purged_at
        assert second.purged_at is None
        assert default_storage.exists(second.key)


def test_environments_are_switched_off_and_on(root: Client) -> None:
    environment = factories.make_environment("gpu")
    act(root, "environments_environment", "disable", environment)
    assert not Environment.objects.get(slug="gpu").enabled
    act(root, "environments_environment", "enable", environment)
    assert Environment.objects.get(slug="gpu").enabled


class TestByTheServices:
    """What is written here leaves the same traces, and tells the same people, as anywhere else."""

    def kinds(self) -> list[str]:
        return list(AuditEvent.objects.order_by("created_at", "pk").values_list("kind", flat=True))

    def test_a_collaborator(self, root: Client, project: Project, charlie: User) -> None:
        kind = "projects_projectcollaborator"
        root.post(url(kind, "add"), {"project": project.pk, "user": charlie.pk})
        collaborator = project.collaborators.get()
        root.post(url(kind, "change", collaborator.pk), {"is_read_only": "on"})
        assert project.collaborators.get().is_read_only
        root.post(url(kind, "delete", collaborator.pk), {"post": "yes"})
        assert self.kinds() == ["collaborator.added", "collaborator.changed", "collaborator.removed"]

    def test_variables_of_an_organization(self, root: Client, alice: User) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        project = factories.make_project(acme)
        form = {"organization": acme.pk, "name": "KEY", "value": "x"}
        root.post(url("projects_organizationvariable", "add"), form)
        assert acme.variables.get().value == "x"
        root.post(
            url("projects_variablegroup", "add"),
            {"organization": acme.pk, "name": "shared", "description": "", "projects": [str(project.pk)]},
        )
        group = acme.variable_groups.get()
        assert list(group.projects.all()) == [project]
        root.post(url("projects_groupvariable", "add"), {"group": group.pk, "name": "KEY", "value": "y"})
        assert group.variables.get().value == "y"
        root.post(url("projects_variablegroup", "change", group.pk), {"name": "renamed", "description": ""})
        group.refresh_from_db()
        assert (group.name, list(group.projects.all())) == ("renamed", [])
        root.post(url("projects_variablegroup", "delete", group.pk), {"post": "yes"})
        assert self.kinds() == [
            "variable.set", "variable_group.created", "variable.set", "variable_group.changed", "variable_group.deleted",
        ]  # fmt: skip

    def test_an_environment_and_the_places_of_teams(self, root: Client, alice: User) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        team = factories.make_team(acme)
        form = {
            "owner": acme.pk, "slug": "create", "queue_name": "acme-gpu", "name": "GPU", "kind": "vm",
            "per_hour_price_usd": "0", "per_user_queue_quota": "0", "max_running": "0", "log_lines_per_second": "0",
            "scale_min": "0", "scale_max": "1", "scale_down_grace_period": "15", "mount_rules": "[]",
        }  # fmt: skip
        refused = root.post(url("environments_environment", "add"), form, follow=True)
        assert "a word of the platform" in refused.content.decode()
        root.post(url("environments_environment", "add"), {**form, "slug": "acme-gpu"})
        environment = Environment.objects.get()
        place = {"environment": environment.pk, "team": team.pk, "max_running": "2"}
        root.post(url("environments_teamplace", "add"), place)
        assert environment.team_places.get().max_running == 2
        row = environment.team_places.get()
        root.post(url("environments_teamplace", "delete", row.pk), {"post": "yes"})
        assert self.kinds() == ["environment.created", *["environment.team_quotas_changed"] * 2]

    def test_a_second_factor_that_is_taken_away(self, root: Client, alice: User) -> None:
        acme = factories.make_organization("acme", members=(alice,))
        alice.recovery_codes.create(digest="x")
        TotpDevice.objects.create(user=alice, seed="seed", confirmed_at=clock.now())
        root.post(url("accounts_totpdevice", "delete", alice.pk), {"post": "yes"})
        assert not TotpDevice.objects.exists()
        assert not alice.recovery_codes.exists()
        event = AuditEvent.objects.get(kind="user.two_factor_disabled")
        assert (event.actor_name, set(event.owner_ids)) == ("root", {alice.pk, acme.pk})

    def test_open_pages_of_a_former_superuser_look_again(
        self,
        root: Client,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        heard: list[str] = []
        monkeypatch.setattr(notices, "publish", lambda topic, kind, **facts: heard.append(topic))
        other = factories.make_user("other", is_staff=True, is_superuser=True)
        form = {"email": "other@example.com", "first_name": "", "last_name": ""}
        with django_capture_on_commit_callbacks(execute=True):
            root.post(url("accounts_user", "change", other.pk), form)
        other.refresh_from_db()
        assert not other.is_superuser
        assert f"access:{other.pk}" in heard
