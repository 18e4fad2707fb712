"""A project is given to a team, and somebody from outside is let into it, held to looking, and sent away again."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Complaints, Workspace, unique_name
from tests.e2e.test_screenshots import keep
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

PASSWORD = "a very long pass phrase"


@pytest.fixture
def organization(rest: Rest) -> str:
    """One with a team "vision", owned by the administrator."""
    name = unique_name("acme")
    made = rest.post("organizations/", {"name": name})
    rest.post("teams/", {"name": "vision", "organization": made["id"]})
    return name


def link_of_letter_to(platform: LivePlatform, address: str, seconds: float = 30) -> str:
    """Without a mail server letters are files."""
    deadline = time.monotonic() + seconds
    while True:
        for file in (platform.data / "mail").glob("*"):
            text = file.read_text()
            found = re.search(r"http://\S+/invitations/project/\w+/", text)
            if f"To: {address}" in text and found:
                return found[0]
        assert time.monotonic() < deadline, f"no letter to {address}"
        time.sleep(0.1)


def confirm(page: Page, action: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


def test_a_project_is_given_to_a_team(
    page: Page, workspace: Workspace, organization: str, live_platform: LivePlatform, artefacts: Path
) -> None:
    full_name = f"{live_platform.username}/{workspace.name}"
    page.goto(f"{workspace.path}settings/administration/")
    page.get_by_label("New owner").select_option(organization)
    expect(page.get_by_text(f"The address becomes {organization}/{workspace.name}.")).to_be_visible()
    page.get_by_label("New owner").select_option(f"{organization}:vision")
    expect(page.get_by_text("Nobody gains or loses access.")).to_be_visible()
    keep(page, artefacts, "settings-transfer")
    page.locator("#transfer-confirm").fill("something else")
    page.get_by_role("button", name="Transfer this project").click()
    expect(page.get_by_text(f"Type {full_name}, exactly.")).to_be_visible()
    page.locator("#transfer-confirm").fill(full_name)
    page.get_by_role("button", name="Transfer this project").click()
    page.wait_for_url(f"**/p/{organization}/{workspace.name}/")
    expect(page.get_by_role("status").filter(has_text="The project is")).to_be_visible()

    page.goto(f"{workspace.path}commits/")
    page.wait_for_url(f"**/p/{organization}/{workspace.name}/commits/")
    page.goto(f"/p/{organization}/{workspace.name}/settings/general/")
    expect(page.get_by_text(f"{organization} : vision")).to_be_visible()


def test_somebody_from_outside_comes_looks_and_goes(
    page: Page,
    open_context: Callable[..., BrowserContext],
    complaints: Complaints,
    workspace: Workspace,
    rest: Rest,
    live_platform: LivePlatform,
    artefacts: Path,
) -> None:
    complaints.expect("the server responded with a status of 404")
    complaints.expect("the server responded with a status of 403")
    rest.create_project(unique_name("not-for-guests"))
    run = rest.run(workspace.id, workspace.commit, "train", title="A run to look at")
    username = unique_name("nina")
    address = f"{username}@example.com"
    people = f"{workspace.path}settings/collaborators/"

    page.goto(people)
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_role("row").filter(has_text=address)).to_be_visible()

    guest = open_context(base_url=live_platform.url).new_page()
    guest.goto(link_of_letter_to(live_platform, address))
    expect(guest.get_by_role("heading", name=re.compile("^Join"))).to_be_visible()
    keep(guest, artefacts, "project-invitation")
    guest.get_by_label("Username").fill(username)
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Create account and join").click()
    guest.wait_for_url(f"**{workspace.path}")
    expect(guest.get_by_role("link", name="Create execution").first).to_be_visible()
    expect(guest.get_by_role("link", name="Settings")).to_have_count(0)
    guest.goto("/")
    expect(guest.get_by_role("row").filter(has_text=workspace.name)).to_have_count(1)
    expect(guest.get_by_text("not-for-guests")).to_have_count(0)

    page.goto(people)
    keep(page, artefacts, "settings-collaborators")
    page.get_by_label(f"What {username} may do").select_option("viewer")
    expect(page.get_by_role("status").filter(has_text="only looks")).to_be_visible()
    guest.goto(workspace.path)
    expect(guest.get_by_text("read only")).to_be_visible()
    expect(guest.get_by_role("link", name="Create execution")).to_have_count(0)
    expect(guest.get_by_role("checkbox", name=re.compile("^Select"))).to_have_count(0)
    keep(guest, artefacts, "project-read-only")
    guest.goto(workspace.execution_path(run))
    expect(guest.get_by_text("read only")).to_be_visible()
    expect(guest.get_by_role("link", name="Copy", exact=True)).to_have_count(0)
    keep(guest, artefacts, "execution-read-only")
    answer = guest.goto(people)
    assert answer is not None
    assert answer.status == 403

    page.get_by_role("button", name="Remove").click()
    confirm(page, "Remove")
    expect(page.get_by_label(f"What {username} may do")).to_have_count(0)
    answer = guest.goto(workspace.path)
    assert answer is not None
    assert answer.status == 404


def test_an_owner_is_chosen_for_a_new_project(page: Page, organization: str, artefacts: Path) -> None:
    page.goto("/projects/create/")
    page.get_by_label("Owner").select_option(f"{organization}:vision")
    keep(page, artefacts, "create-project")
    name = unique_name("ours")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create project").click()
    page.wait_for_url(f"**/p/{organization}/{name}/")
