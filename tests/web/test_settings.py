import subprocess
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from executions.types import Status
from organizations.models import Team
from projects.models import Project, Repository
from tests.support import factories
from tests.web.addresses import page


def tab(project: Project, name: str) -> str:
    return page("project_settings", project, tab=name)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A git repository with one commit that can run."""
    (tmp_path / "valohai.yaml").write_text(factories.YAML)
    for command in (
        ["init", "-q", "-b", "main"], ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", "First"],
    ):  # fmt: skip
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_general_settings_are_saved(project: Project, alice_browser: Client) -> None:
    factories.make_environment("gpu")
    body = {
        "name": "renamed",
        "description": "new",
        "default_environment_slug": "gpu",
        "yaml_path": "ml/valohai.yaml",
    }
    answer = alice_browser.post(tab(project, "general"), body)
    project.refresh_from_db()
    assert answer["Location"] == tab(project, "general")
    assert (project.name, project.description) == ("renamed", "new")
    assert (project.default_environment_slug, project.yaml_path) == ("gpu", "ml/valohai.yaml")


def test_refused_settings_are_told_and_change_nothing(project: Project, alice_browser: Client) -> None:
    body = {"name": "a b", "yaml_path": "valohai.yaml"}
    assert "cannot be a project" in alice_browser.post(tab(project, "general"), body).content.decode()
    body = {"name": "fine", "yaml_path": "../../etc/passwd"}
    assert "has-error" in alice_browser.post(tab(project, "general"), body).content.decode()
    old = project.name
    project.refresh_from_db()
    assert project.name == old


def test_saving_a_repository_fetches_it(
    project: Project, origin: Path, alice_browser: Client, settings
) -> None:
    settings.LOCAL_REPOSITORY_ROOTS = [str(origin.parent)]
    answer = alice_browser.post(
        tab(project, "repository"), {"url": str(origin), "fetch_reference": "main"}, follow=True
    )
    assert "1 new commit" in answer.content.decode()
    assert project.commits.get().description == "First"


def test_unreachable_repository_is_saved_and_the_reason_shown(
    project: Project, alice_browser: Client
) -> None:
    body = {
        "url": "https://127.0.0.1:1/nothing.git",
        "fetch_reference": "main",
        "access_token": "s3cret-token",
    }
    text = alice_browser.post(tab(project, "repository"), body, follow=True).content.decode()
    assert "toast-warning" in text or "toast-error" in text
    assert "s3cret-token" not in text
    assert "A token is stored" in text


def test_stored_secrets_are_kept_or_removed_but_never_shown(project: Project, alice_browser: Client) -> None:
    Repository.objects.create(project=project, url="https://127.0.0.1:1/a.git", access_token="s3cret-token")
    body = {"url": "https://127.0.0.1:1/a.git", "fetch_reference": "main"}
    assert "s3cret-token" not in alice_browser.get(tab(project, "repository")).content.decode()
    alice_browser.post(tab(project, "repository"), body)
    assert Repository.objects.get().access_token == "s3cret-token"
    alice_browser.post(tab(project, "repository"), {**body, "forget_token": "on"})
    assert Repository.objects.get().access_token == ""


def test_new_key_shows_its_public_half_only(project: Project, alice_browser: Client) -> None:
    text = alice_browser.post(page("repository_new_key", project), follow=True).content.decode()
    assert "ssh-ed25519 " in text
    assert "PRIVATE KEY-----\n" not in text


def test_known_host_is_forgotten(project: Project, alice_browser: Client) -> None:
    Repository.objects.create(
        project=project, url="git@example.com:a.git", known_hosts="example.com ssh-ed25519 AAAA"
    )
    assert "example.com ssh-ed25519 AAAA" in alice_browser.get(tab(project, "repository")).content.decode()
    alice_browser.post(page("repository_forget_host", project))
    assert Repository.objects.get().known_hosts == ""


def test_variables_are_added_replaced_and_deleted(project: Project, alice_browser: Client) -> None:
    alice_browser.post(tab(project, "variables"), {"name": "LEVEL", "value": "info"})
    alice_browser.post(tab(project, "variables"), {"name": "LEVEL", "value": "debug"})
    assert project.variables.get().value == "debug"
    alice_browser.post(page("variable_delete", project), {"name": "LEVEL"})
    assert not project.variables.exists()
    assert alice_browser.post(page("variable_delete", project), {"name": "LEVEL"}).status_code == 404


def test_secret_variable_is_never_shown(project: Project, alice_browser: Client) -> None:
    answer = alice_browser.post(
        tab(project, "variables"), {"name": "KEY", "value": "line 1\nhunter2\n", "secret": "on"}, follow=True
    )
    assert "hunter2" not in answer.content.decode()
    assert "hunter2" in project.variables.get().value


def test_wrong_variable_name_is_told_at_the_field(project: Project, alice_browser: Client) -> None:
    text = alice_browser.post(tab(project, "variables"), {"name": "A B", "value": "x"}).content.decode()
    assert "has-error" in text
    assert not project.variables.exists()


@pytest.mark.parametrize("name", ["repository_new_key", "repository_forget_host", "variable_delete"])
def test_worker_may_not_administer(name: str, project: Project, bob_browser: Client) -> None:
    Repository.objects.create(project=project, url="git@example.com:a.git", known_hosts="kept")
    answer = bob_browser.post(page(name, project), {"name": "X"}, follow=True)
    assert answer.status_code == 403 or "You may not" in answer.content.decode()
    assert Repository.objects.get().known_hosts == "kept"
    assert Repository.objects.get().public_key == ""


def test_project_is_deleted_only_after_its_name_was_typed(project: Project, alice_browser: Client) -> None:
    alice_browser.post(tab(project, "administration"), {"confirm": "wrong"})
    assert Project.objects.filter(pk=project.pk).exists()
    assert (
        alice_browser.post(tab(project, "administration"), {"confirm": project.full_name})["Location"] == "/"
    )
    assert not Project.objects.filter(pk=project.pk).exists()


def test_project_with_a_running_execution_is_not_deleted(project: Project, alice_browser: Client) -> None:
    factories.make_execution(project, status=Status.STARTED)
    answer = alice_browser.post(tab(project, "administration"), {"confirm": project.full_name}, follow=True)
    assert "did not end yet" in answer.content.decode()
    assert Project.objects.filter(pk=project.pk).exists()


class TestTransfer:
    @pytest.fixture
    def vision(self, alice: User) -> Team:
        acme = factories.make_organization("acme", owners=(alice,), members=(factories.make_user("vera"),))
        return factories.make_team(acme, "vision", members=(alice,))

    def effects(self, browser: Client, project: Project, owner: str) -> str:
        answer = browser.get(page("project_transfer_effects", project), {"owner": owner})
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    def test_owners_are_offered_but_the_present_one(
        self, project: Project, vision: Team, alice_browser: Client
    ) -> None:
        text = alice_browser.get(tab(project, "administration")).content.decode()
        assert '<option value="acme:vision">' in text
        assert '<option value="alice"' not in text

    def test_what_would_change_is_said_before(
        self, project: Project, alice: User, vision: Team, bob: User, alice_browser: Client
    ) -> None:
        factories.make_environment("mine", owner=alice.owner)
        Project.objects.update(default_environment_slug="mine")
        text = self.effects(alice_browser, project, "acme")
        assert f"<code>acme/{project.name}</code>" in text
        assert "1 person gains access: vera." in text
        assert "lose" not in text
        assert "The default environment is not available to acme" in text
        assert Project.objects.get().owner_id == alice.pk
        assert "Nobody gains or loses access." in self.effects(alice_browser, project, "acme:vision")

    def test_what_cannot_be_is_said_before(
        self, project: Project, vision: Team, alice_browser: Client
    ) -> None:
        factories.make_project(vision.organization, project.name)
        assert "already has a project called" in self.effects(alice_browser, project, "acme")
        assert "is not an owner that you may create projects for" in self.effects(
            alice_browser, project, "bob"
        )
        assert "Choose an owner" in self.effects(alice_browser, project, "")

    def test_it_happens_after_the_name_was_typed(
        self, project: Project, alice: User, vision: Team, alice_browser: Client
    ) -> None:
        body = {"owner": "acme:vision", "confirm": "wrong"}
        text = alice_browser.post(page("project_transfer", project), body).content.decode()
        assert f"Type {project.full_name}, exactly." in text
        assert Project.objects.get().owner_id == alice.pk
        body["confirm"] = project.full_name
        answer = alice_browser.post(page("project_transfer", project), body)
        assert answer["Location"] == f"/p/acme/{project.name}/"
        assert Project.objects.get().team == vision

    def test_a_refusal_is_told_and_changes_nothing(
        self, project: Project, alice: User, vision: Team, alice_browser: Client
    ) -> None:
        factories.make_project(vision.organization, project.name)
        for owner, reason in (("acme", "already has a project"), ("rival", "Select a valid choice")):
            body = {"owner": owner, "confirm": project.full_name}
            text = alice_browser.post(page("project_transfer", project), body).content.decode()
            assert reason in text
        assert Project.objects.get(pk=project.pk).owner_id == alice.pk

    def test_somebody_who_may_create_projects_nowhere_else(
        self, project: Project, alice_browser: Client
    ) -> None:
        text = alice_browser.get(tab(project, "administration")).content.decode()
        assert "There is nobody else for whom you may create projects." in text

    def test_a_worker_neither_sees_nor_does_it(
        self, project: Project, bob_browser: Client, bob: User
    ) -> None:
        for answer in (
            bob_browser.get(page("project_transfer_effects", project), {"owner": "bob"}),
            bob_browser.post(
                page("project_transfer", project), {"owner": "bob", "confirm": project.full_name}
            ),
        ):
            assert answer.status_code == 403
        assert Project.objects.get().owner.name == "alice"
