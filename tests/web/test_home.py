import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from executions.types import Status
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
