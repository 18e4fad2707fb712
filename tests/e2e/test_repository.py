"""Linking a git repository in the settings, and running what it brings."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.code import CODE
from tests.e2e.conftest import unique_name
from tests.e2e.pages import CreateForm, ExecutionPage
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]


def git(directory: Path, *arguments: str) -> str:
    identity = [
        "-c",
        "user.name=Tester",
        "-c",
        "user.email=tester@example.com",
        "-c",
        "init.defaultBranch=main",
    ]
    run = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return run.stdout.strip()


@pytest.fixture
def repository(live_platform: LivePlatform) -> Path:
    directory = live_platform.repository_root / unique_name("linked")
    directory.mkdir()
    for name, text in CODE.items():
        (directory / name).write_text(text)
    git(directory, "init", "--quiet")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "the first commit")
    return directory


def test_link_fetch_and_run(page: Page, rest: Rest, live_platform: LivePlatform, repository: Path) -> None:
    name = unique_name("from-git")
    rest.create_project(name)
    path = f"/p/{live_platform.username}/{name}/"
    page.goto(path)
    page.get_by_role("link", name="Link a repository").click()

    page.get_by_label("Address").fill("/etc")
    page.get_by_role("button", name="Save and fetch").click()
    expect(page.locator(".field-error").first).to_be_visible()

    page.get_by_label("Address").fill(str(repository))
    page.get_by_role("textbox", name="References to fetch").fill("main")
    page.get_by_role("button", name="Save and fetch").click()
    first = git(repository, "rev-parse", "HEAD")
    page.goto(f"{path}commits/")
    expect(page.get_by_role("row").filter(has_text=first[:7])).to_contain_text("the first commit")

    git(repository, "commit", "--quiet", "--allow-empty", "-m", "the second commit")
    second = git(repository, "rev-parse", "HEAD")
    page.get_by_role("button", name="Fetch repository").click()
    expect(page.get_by_role("status").filter(has_text="New commits")).to_be_visible()
    page.goto(f"{path}commits/")
    row = page.get_by_role("row").filter(has_text="the second commit")
    expect(row).to_contain_text("main")
    row.get_by_role("link", name="Run").click()
    form = CreateForm(page)
    expect(form.commit).to_have_value(second)
    execution = form.create()
    execution.shows_status("complete")
    assert rest.execution(execution.id())["commit"]["identifier"] == second
    ExecutionPage(page).open_tab("Log")
    expect(execution.line("epoch 3 of 3")).to_be_visible()
