import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from executions.types import Status
from organizations.models import Organization
from organizations.web.context import SESSION_KEY
from projects.models import Project
from tests.support import factories
from tests.web.addresses import page

FRAGMENT = {"HX-Request": "true"}


def test_newcomer_is_taught_the_next_step(alice_browser: Client) -> None:
    text = alice_browser.get("/").content.decode()
    assert "Create your first project" in text
    assert "vh login --host http://testserver/" in text


def test_home_shows_what_one_may_see_with_its_latest_run(
    project: Project, alice_browser: Client, charlie_browser: Client
) -> None:
    commit = factories.make_commit(project)
    factories.make_execution(commit=commit, status=Status.COMPLETE)
    factories.make_execution(commit=commit, status=Status.STARTED)
    text = alice_browser.get("/").content.decode()
    assert project.name in text
    assert 'data-status="started"' in text
    assert "1 running" in text
    assert project.name not in charlie_browser.get("/").content.decode()


def test_search_answers_the_matching_rows_only(alice: User, alice_browser: Client) -> None:
    factories.make_project(alice, "churn-model", description="who leaves")
    factories.make_project(alice, "speech")
    text = alice_browser.get("/?search=alice/churn", headers=FRAGMENT).content.decode()
    assert "churn-model" in text
    assert "speech" not in text
    assert "<html" not in text
    assert "churn-model" in alice_browser.get("/?search=leaves", headers=FRAGMENT).content.decode()
    assert "No project matches" in alice_browser.get("/?search=nothing%00", headers=FRAGMENT).content.decode()


@pytest.mark.parametrize("rows", [2, 20])
def test_home_asks_a_constant_number_of_queries(rows: int, alice: User, alice_browser: Client) -> None:
    for _ in range(rows):
        factories.make_execution(factories.make_project(alice))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert alice_browser.get("/", headers=FRAGMENT).status_code == 200
    assert len(queries) <= 8


def test_project_is_created_for_oneself_or_an_organization(alice: User, alice_browser: Client) -> None:
    factories.make_organization("acme", members=(alice,))
    answer = alice_browser.post("/projects/create/", {"name": "mine", "owner": "alice"})
    assert answer["Location"] == "/p/alice/mine/"
    answer = alice_browser.post("/projects/create/", {"name": "ours", "owner": "acme", "description": "x"})
    assert answer["Location"] == "/p/acme/ours/"
    assert Project.objects.get(name="ours").creator == alice


def test_refused_project_is_told_at_the_field(alice: User, alice_browser: Client) -> None:
    factories.make_project(alice, "taken")
    for name, reason in [
        ("taken", "already has a project"),
        ("a b", "cannot be a project"),
        ("", "required"),
    ]:
        text = alice_browser.post("/projects/create/", {"name": name, "owner": "alice"}).content.decode()
        assert reason in text
    assert Project.objects.count() == 1


def test_nobody_creates_projects_for_others(alice: User, charlie: User, charlie_browser: Client) -> None:
    answer = charlie_browser.post("/projects/create/", {"name": "x", "owner": "alice"})
    assert answer.status_code == 200
    assert not Project.objects.exists()


def test_quick_switch_finds_projects(project: Project, alice_browser: Client) -> None:
    text = alice_browser.get(f"/projects/switch/?search={project.name}", headers=FRAGMENT).content.decode()
    assert page("project", project) in text


class TestOwnersToChoose:
    @pytest.fixture
    def acme(self, alice: User) -> Organization:
        acme = factories.make_organization("acme", members=(alice,))
        factories.make_team(acme, "vision", members=(alice,))
        factories.make_team(acme, "speech")
        return acme

    def test_they_stand_in_groups(self, acme: Organization, alice_browser: Client) -> None:
        text = " ".join(alice_browser.get("/projects/create/").content.decode().split())
        assert '<optgroup label="Personal"> <option value="alice" selected>' in text
        assert '<optgroup label="acme"> <option value="acme">' in text
        assert '<option value="acme:vision">' in text
        assert "speech" not in text

    def test_the_chosen_context_comes_first(self, acme: Organization, alice_browser: Client) -> None:
        session = alice_browser.session
        session[SESSION_KEY] = acme.pk
        session.save()
        assert '<option value="acme" selected>' in alice_browser.get("/").content.decode()

    def test_a_project_for_a_team(self, acme: Organization, alice_browser: Client) -> None:
        body = {"name": "ours", "owner": "acme:vision"}
        assert alice_browser.post("/projects/create/", body)["Location"] == "/p/acme/ours/"
        assert Project.objects.get().team == acme.teams.get(name="vision")

    @pytest.mark.parametrize(
        "owner", ["acme:speech", "acme:nothing", "rival", "rival:core", "", "alice:vision"]
    )
    def test_others_are_refused(self, acme: Organization, alice_browser: Client, owner: str) -> None:
        factories.make_team(factories.make_organization("rival"), "core")
        answer = alice_browser.post("/projects/create/", {"name": "ours", "owner": owner})
        assert "has-error" in answer.content.decode()
        assert not Project.objects.exists()

    def test_where_personal_projects_are_forbidden(self, acme: Organization, alice_browser: Client) -> None:
        Organization.objects.update(forbid_personal_projects=True)
        text = alice_browser.get("/").content.decode()
        assert "does not allow personal projects" in text
        assert '<option value="alice"' not in text
        alice_browser.post("/projects/create/", {"name": "mine", "owner": "alice"})
        assert not Project.objects.exists()

    def test_whoever_may_create_nothing_is_told_why(self, alice: User, alice_browser: Client) -> None:
        acme = factories.make_organization("acme")
        acme.memberships.create(user=alice, role="viewer")
        Organization.objects.update(forbid_personal_projects=True)
        for address in ("/", "/projects/create/"):
            text = alice_browser.get(address).content.decode()
            assert "You cannot create projects." in text
            assert 'id="project-name"' not in text
        assert alice_browser.post("/projects/create/", {"name": "x", "owner": "acme"}).status_code == 200
        assert not Project.objects.exists()
