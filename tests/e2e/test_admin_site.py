"""The administration site: an owner sees and edits their organization's rows, a member is refused, a superuser sees all."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import Complaints, unique_name
from tests.e2e.pages import LoginPage
from tests.e2e.test_screenshots import LOOKS
from tests.support.factories import PASSWORD
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows

pytestmark = [pytest.mark.live, pytest.mark.browser]

ROWS = """
for word in ("ours", "others"):
    owner, member = (factories.make_user(f"{{word}}-{{who}}-{0}") for who in ("owner", "member"))
    house = factories.make_organization(f"{{word}}-{0}", owners=(owner,), members=(member,))
    team = factories.make_team(house, f"{{word}}-team-{0}", members=(member,))
    project = factories.make_project(house, f"{{word}}-project-{0}", team=team)
    factories.make_execution(project, title=f"{{word}}-run-{0}")
    environment = factories.make_environment(f"{{word}}-machine-{0}", owner=house.owner)
    factories.make_place(environment, team, 2)
    print(environment.pk, project.pk, team.pk)
"""
PAGES = (
    "organizations/organization", "organizations/organizationmembership", "organizations/team",
    "organizations/teammembership", "audit/auditevent", "projects/project", "projects/commit",
    "environments/environment", "environments/teamplace", "executions/execution",
)  # fmt: skip


@dataclass
class Rows:
    """Ids of what one organization has."""

    environment: str
    project: str
    team: str

    def addresses(self) -> list[str]:
        return [
            f"/admin/environments/environment/{self.environment}/",
            f"/admin/projects/project/{self.project}/",
            f"/admin/organizations/team/{self.team}/",
        ]


@dataclass
class Town:
    """Two organizations that know nothing of each other."""

    name: str
    ours: Rows
    others: Rows


@pytest.fixture
def town(live_platform: LivePlatform) -> Town:
    name = unique_name("town")
    ours, others = write_rows(live_platform, ROWS.format(name)).splitlines()
    return Town(name, Rows(*ours.split()), Rows(*others.split()))


@pytest.fixture
def sign_in(
    open_context: Callable[..., BrowserContext], live_platform: LivePlatform
) -> Callable[[str], Page]:
    def sign_in(username: str) -> Page:
        page = open_context(base_url=live_platform.url).new_page()
        LoginPage(page, live_platform.url).open().log_in(username, PASSWORD)
        return page

    return sign_in


def keep(page: Page, artefacts: Path, name: str) -> None:
    """The page wide and light, narrow and dark; only its tables may be wider than the window, and they scroll."""
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.screenshot(
            path=artefacts / f"admin-{name}-{size['width']}-{scheme}.png",
            animations="disabled",
            full_page=True,
        )
        sticking_out = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert sticking_out <= 0, f"{name} is {sticking_out} px wider than a window of {size['width']} px"
    page.set_viewport_size(LOOKS[0][0])


def said(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.locator(".messagelist li").filter(has_text=text)


def test_an_owner_sees_what_their_organization_has_and_nothing_else(
    town: Town, sign_in: Callable[[str], Page], complaints: Complaints, artefacts: Path
) -> None:
    complaints.expect("the server responded with a status of 403")
    page = sign_in(f"ours-owner-{town.name}")
    page.get_by_label(re.compile("^Account of")).click()
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="What you administer")).to_be_visible()
    expect(page.get_by_role("link", name="Users", exact=True)).to_have_count(0)
    keep(page, artefacts, "index")

    others = re.compile(rf"others-[a-z]*-?{re.escape(town.name)}")
    for path in PAGES:
        page.goto(f"/admin/{path}/")
        expect(page.get_by_role("main")).to_contain_text(re.compile(rf"ours-|{town.ours.project}|No|0 "))
        assert not others.search(page.content()), f"{path} shows what somebody else has"
    page.goto("/admin/environments/environment/?q=machine")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text(f"ours-machine-{town.name}")
    keep(page, artefacts, "list")
    page.goto(f"/admin/environments/environment/?q=others-machine-{town.name}")
    expect(page.locator("#result_list")).to_have_count(0)

    for address in town.others.addresses():
        for view in ("change/", "history/", "delete/"):
            page.goto(address + view)
            assert not others.search(page.content()), f"{address}{view} shows what somebody else has"
    page.goto(town.ours.addresses()[0] + "change/")
    expect(page.locator("#id_name")).to_have_value(f"ours-machine-{town.name}")

    page.goto("/admin/accounts/user/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_choices_are_searched_among_what_is_theirs(town: Town, sign_in: Callable[[str], Page]) -> None:
    page = sign_in(f"ours-owner-{town.name}")
    page.goto("/admin/environments/teamplace/add/")
    page.locator(".field-team .select2-selection").click()
    page.locator(".select2-search__field").fill(f"team-{town.name}")
    found = page.locator(".select2-results__option")
    expect(found).to_have_text([re.compile(f"ours-team-{town.name}")])
    page.locator(".select2-search__field").fill(f"others-team-{town.name}")
    expect(found).to_have_text(["No results found"])


def test_what_an_owner_edits_is_in_the_audit_log_as_it_was_and_as_it_is(
    town: Town, sign_in: Callable[[str], Page], artefacts: Path
) -> None:
    page = sign_in(f"ours-owner-{town.name}")
    page.goto(town.ours.addresses()[0] + "change/")
    page.get_by_label("Per hour price usd").fill("-1")
    page.get_by_label("Per user queue quota").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errornote, .messagelist .error").first).to_be_visible()
    keep(page, artefacts, "form")
    page.get_by_label("Per hour price usd").fill("2.5")
    page.get_by_label("Per user queue quota").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(said(page, "was changed successfully")).to_be_visible()

    page.goto(f"/admin/organizations/team/{town.ours.team}/change/")
    page.get_by_label("Name").fill(f"ours-vision-{town.name}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(said(page, "was changed successfully")).to_be_visible()

    page.goto(f"/admin/projects/project/{town.ours.project}/change/")
    page.get_by_label("Description").fill("Which customers leave")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(said(page, "was changed successfully")).to_be_visible()
    page.goto(f"/admin/projects/project/{town.ours.project}/history/")
    expect(page.get_by_text("Changed Description.")).to_be_visible()
    keep(page, artefacts, "history")

    page.goto(f"/organizations/ours-{town.name}/audit/")
    shows_change(page, "environment.", ("per user queue quota", "0", "3"), ("per hour price usd", "0", "2.5"))
    shows_change(page, "team.", ("name", f"ours-team-{town.name}", f"ours-vision-{town.name}"))
    shows_change(page, "project.", ("description", "", "Which customers leave"))
    page.goto("/admin/audit/auditevent/")
    expect(page.locator("#result_list")).to_contain_text(f"ours-owner-{town.name}")
    keep(page, artefacts, "audit")


def shows_change(page: Page, kind: str, *changes: tuple[str, str, str]) -> None:
    """The newest event whose kind begins so says what each field was and is."""
    event = page.locator(".audit-event").filter(has_text=kind).first
    event.locator("summary").click()
    for name, before, after in changes:
        row = event.locator(".audit-changes tbody tr").filter(has_text=name)
        if before:
            expect(row.locator("del")).to_contain_text(before)
        expect(row.locator("ins")).to_contain_text(after)


def test_a_member_is_told_whom_the_site_serves(
    town: Town, sign_in: Callable[[str], Page], complaints: Complaints, artefacts: Path
) -> None:
    complaints.expect("the server responded with a status of 403")
    page = sign_in(f"ours-member-{town.name}")
    page.get_by_label(re.compile("^Account of")).click()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    for address in ("/admin/", *town.ours.addresses()):
        page.goto(address)
        expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
        expect(page.get_by_text("owners of an organization")).to_be_visible()
        assert f"machine-{town.name}" not in page.content()
    keep(page, artefacts, "refused")


def test_a_superuser_sees_all(page: Page, town: Town, artefacts: Path) -> None:
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="This installation")).to_be_visible()
    keep(page, artefacts, "index-of-a-superuser")
    page.goto(f"/admin/environments/environment/?q=machine-{town.name}")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    for address in (*town.ours.addresses(), *town.others.addresses()):
        page.goto(address + "change/")
        expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    page.goto(f"/admin/accounts/user/?q=owner-{town.name}")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    keep(page, artefacts, "users")
    page.get_by_label("Select this object for an action - ours").check()
    page.get_by_role("link", name=f"ours-owner-{town.name}").first.click()
    keep(page, artefacts, "user")


def test_light_or_dark_is_chosen_once_for_the_site_and_the_rest(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/admin/")
    page.goto("/")
    shown = page.locator("html")
    expect(shown).to_have_attribute("data-bs-theme", "dark")

    page.goto("/admin/")
    page.get_by_role("button", name="Toggle theme").click()
    expect(shown).to_have_attribute("data-theme", "light")
    page.goto("/")
    expect(shown).to_have_attribute("data-bs-theme", "light")

    page.get_by_label("Theme", exact=True).first.click()
    page.get_by_role("button", name="As the system").click()
    expect(shown).to_have_attribute("data-bs-theme", "dark")
    page.goto("/admin/")
    expect(shown).to_have_attribute("data-theme", "auto")
