"""From a new organization to a member who is gone again, as the people in it see it."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Complaints, unique_name
from tests.e2e.test_screenshots import keep
from tests.support.live import LivePlatform

pytestmark = [pytest.mark.live, pytest.mark.browser]

PASSWORD = "a very long pass phrase"


def letter_to(platform: LivePlatform, address: str, seconds: float = 30) -> str:
    """The newest letter that was sent there; without a mail server they are files."""
    deadline = time.monotonic() + seconds
    while True:
        texts = [
            file.read_text()
            for file in sorted((platform.data / "mail").glob("*"), key=lambda f: f.stat().st_mtime)
        ]
        found = [text for text in texts if f"To: {address}" in text]
        if found:
            return found[-1]
        assert time.monotonic() < deadline, f"no letter to {address}"
        time.sleep(0.1)


def link_in(letter: str) -> str:
    found = re.search(r"http://\S+/invitations/\w+/", letter)
    assert found, letter
    return found[0]


def accept_dialog(page: Page, action: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


def create_organization(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label(re.compile("^Account of")).click()
    page.get_by_role("link", name="Create organization").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_invited_joined_removed(
    page: Page,
    open_context: Callable[..., BrowserContext],
    complaints: Complaints,
    live_platform: LivePlatform,
    artefacts: Path,
) -> None:
    complaints.expect("the server responded with a status of 404")
    name, username = unique_name("acme"), unique_name("nina")
    address = f"{username}@example.com"
    create_organization(page, name)

    page.get_by_role("link", name="Teams", exact=True).click()
    page.get_by_role("button", name="Create team").click()
    page.get_by_role("dialog").get_by_label("Name").fill("vision")
    page.get_by_role("dialog").get_by_role("button", name="Create team").click()
    expect(page.get_by_text("Nobody is in this team yet.")).to_be_visible()

    page.get_by_role("link", name="Invitations", exact=True).click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("vision").check()
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_role("row").filter(has_text=address)).to_contain_text("vision")
    keep(page, artefacts, "organization-invitations")

    guest = open_context(base_url=live_platform.url).new_page()
    guest.goto(link_in(letter_to(live_platform, address)))
    expect(guest.get_by_role("heading", name=f"Join {name}")).to_be_visible()
    keep(guest, artefacts, "invitation")
    guest.get_by_label("Username").fill(username)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Create account and join").click()
    expect(guest.get_by_role("status").filter(has_text=f"Welcome to {name}")).to_be_visible()
    guest.goto(f"/organizations/{name}/teams/")
    guest.get_by_role("link", name="vision").click()
    expect(guest.get_by_role("row").filter(has_text=username)).to_be_visible()
    expect(guest.get_by_role("button", name="Delete this team")).to_have_count(0)

    page.get_by_role("link", name="Members", exact=True).click()
    row = page.get_by_role("row").filter(has_text=address)
    expect(row).to_contain_text("vision")
    keep(page, artefacts, "organization-members")
    row.get_by_label(re.compile("^Role of")).select_option("viewer")
    expect(page.get_by_role("status").filter(has_text="is a viewer now")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    accept_dialog(page, "Remove")
    expect(page.get_by_role("row").filter(has_text=address)).to_have_count(0)

    answer = guest.goto(f"/organizations/{name}/members/")
    assert answer is not None
    assert answer.status == 404
    guest.goto("/organizations/")
    expect(guest.get_by_text("You belong to no organization")).to_be_visible()


def test_an_owner_administers(page: Page, live_platform: LivePlatform, artefacts: Path) -> None:
    name = unique_name("administered")
    create_organization(page, name)
    page.get_by_role("link", name="Teams", exact=True).click()
    keep(page, artefacts, "organization-no-teams")
    page.get_by_role("button", name="Create team").click()
    page.get_by_role("dialog").get_by_label("Name").fill("speech")
    page.get_by_role("dialog").get_by_role("button", name="Create team").click()
    page.get_by_placeholder("name").fill(live_platform.username)
    page.get_by_label("Read-only", exact=True).check()
    page.get_by_role("button", name="Add to the team").click()
    only_reads = page.get_by_label(f"{live_platform.username} only reads")
    expect(only_reads).to_be_checked()
    page.get_by_label(f"{live_platform.username} administers projects").check()
    expect(page.get_by_role("status").filter(has_text="Saved what")).to_be_visible()
    page.reload()
    expect(only_reads).to_be_checked()
    expect(page.get_by_label(f"{live_platform.username} administers projects")).to_be_checked()
    keep(page, artefacts, "organization-team")

    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_label("Require two-factor authentication").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("You have no second factor yourself")).to_be_visible()
    page.get_by_label("Require two-factor authentication").uncheck()
    page.get_by_label("Longest life of API tokens, in days").fill("90")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    keep(page, artefacts, "organization-settings")

    page.get_by_role("link", name="Audit log", exact=True).click()
    changed = page.get_by_role("row").filter(has_text="organization.settings_changed").first
    changed.get_by_text("organization.settings_changed").click()
    expect(changed).to_contain_text("max token lifetime days")
    keep(page, artefacts, "organization-audit")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "team.created" in download.value.path().read_text()

    page.goto("/")
    expect(page.get_by_text(f"{name} has no projects yet")).to_be_visible()
    page.get_by_label(re.compile("^Account of")).click()
    keep(page, artefacts, "account-menu")
    page.get_by_role("button", name="Everything", exact=True).click()
    expect(page.get_by_text("has no projects yet")).to_have_count(0)
    page.goto("/organizations/")
    keep(page, artefacts, "organizations")
    page.goto("/create-organization/")
    keep(page, artefacts, "organization-create")
    page.goto("/activity/")
    keep(page, artefacts, "activity")
