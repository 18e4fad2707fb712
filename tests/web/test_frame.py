"""What holds for every page: who may open it, and that it obeys the Content-Security-Policy."""

import re
from pathlib import Path

import pytest
from django.test import Client

from executions.models import Execution
from projects.models import Commit, Project
from tests.support import factories
from tests.web.addresses import page

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PROJECT_PAGES = ["project", "commits", "execution_create", "execution_create_facts"]
SETTINGS_TABS = ["general", "repository", "variables", "administration"]


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.make_commit(project)


@pytest.fixture
def execution(commit: Commit) -> Execution:
    return factories.make_execution(commit=commit)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_has_nothing_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\sstyle=|<style\b|\son[a-z]+=|hx-on|javascript:", text)


@pytest.mark.parametrize(
    "path", ["/", "/auth/tokens/", "/projects/create/", "/p/alice/x/", "/p/alice/x/settings/general/"]
)
def test_visitor_is_sent_to_the_login(path: str, client: Client, db: None) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/auth/login/?next={path}"


def test_fragment_of_a_visitor_is_refused_in_words(client: Client, db: None) -> None:
    answer = client.get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "Log in" in answer.content.decode()


@pytest.mark.parametrize("name", PROJECT_PAGES)
def test_project_pages_open_for_those_who_work_in_it(
    name: str, project: Project, execution: Execution, alice_browser: Client, bob_browser: Client
) -> None:
    assert alice_browser.get(page(name, project)).status_code == 200
    assert bob_browser.get(page(name, project)).status_code == 200


@pytest.mark.parametrize("name", PROJECT_PAGES)
def test_stranger_sees_no_project_page(
    name: str, project: Project, commit: Commit, charlie_browser: Client
) -> None:
    answer = charlie_browser.get(page(name, project))
    assert answer.status_code == 404
    assert project.description not in answer.content.decode() or not project.description


@pytest.mark.parametrize("tab", SETTINGS_TABS)
def test_settings_are_for_administrators(
    tab: str, project: Project, alice_browser: Client, bob_browser: Client, charlie_browser: Client
) -> None:
    address = page("project_settings", project, tab=tab)
    assert alice_browser.get(address).status_code == 200
    assert bob_browser.get(address).status_code == 403
    assert charlie_browser.get(address).status_code == 404


def test_reader_is_offered_nothing_to_run(
    project: Project, execution: Execution, charlie_browser: Client, charlie
) -> None:
    factories.make_collaborator(project, charlie, is_read_only=True)
    text = charlie_browser.get(page("project", project)).content.decode()
    assert f"#{execution.counter}" in text
    assert page("execution_create", project) not in text
    assert charlie_browser.get(page("execution_create", project)).status_code == 403


def test_policy_forbids_foreign_and_inline_code(client: Client, db: None) -> None:
    policy = client.get("/auth/login/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_hostile_names_stay_text(project: Project, commit: Commit, alice_browser: Client) -> None:
    factories.make_execution(commit=commit, title="</script><script>alert(1)</script>", tags=["<b>x</b>"])
    text = alice_browser.get(page("project", project)).content.decode()
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text


def test_page_and_fragment_are_told_apart_by_caches(project: Project, alice_browser: Client) -> None:
    assert "HX-Request" in alice_browser.get(page("project", project))["Vary"]


def test_unknown_address_has_a_page(alice_browser: Client) -> None:
    answer = alice_browser.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
