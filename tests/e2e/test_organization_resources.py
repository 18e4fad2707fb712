"""The owner of an organization manages what it owns, and a member sees what that means for a run."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.code import CODE
from tests.e2e.conftest import unique_name
from tests.e2e.pages import LoginPage
from tests.e2e.test_screenshots import keep
from tests.support.factories import PASSWORD
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

ROWS = """
olga, mina = factories.make_user("olga-{0}"), factories.make_user("mina-{0}")
house = factories.make_organization("{0}", owners=(olga,), members=(mina,))
factories.make_team(house, "vision", members=(mina,))
factories.make_team(house, "speech")
print(factories.make_project(house, "churn-model").pk)
"""


@dataclass
class House:
    name: str
    project_id: str
    owner: Page
    member: Page

    def tab(self, name: str) -> str:
        return f"/organizations/{self.name}/{name}/"


@pytest.fixture
def house(live_platform: LivePlatform, rest: Rest, open_context: Callable[..., BrowserContext]) -> House:
    name = unique_name("house")
    project_id = write_rows(live_platform, ROWS.format(name))
    rest.import_package(project_id, CODE)

    def signed_in(who: str) -> Page:
        page = open_context(base_url=live_platform.url).new_page()
        LoginPage(page, live_platform.url).open().log_in(f"{who}-{name}", PASSWORD)
        return page

    return House(name, project_id, signed_in("olga"), signed_in("mina"))


def said(page: Page, text: str) -> Locator:
    return page.get_by_role("status").filter(has_text=text)


def test_environments_quotas_registry_and_variables(house: House, artefacts: Path) -> None:
    page = house.owner
    slug = f"{house.name}-gpu"
    create_environment(page, house, slug, artefacts)
    limit_teams(page, artefacts)
    add_registry(page, house, artefacts)
    add_variables(page, house, artefacts)
    member_is_told(house, slug, artefacts)


def create_environment(page: Page, house: House, slug: str, artefacts: Path) -> None:
    page.goto(house.tab("environments"))
    expect(page.get_by_text("No environments of its own")).to_be_visible()
    keep(page, artefacts, "organization-no-environments")
    page.get_by_role("link", name="Create environment").click()
    expect(page.get_by_label("Slug")).to_have_value(f"{house.name}-")
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Name", exact=True).fill("GPU box")
    page.get_by_label("GPUs", exact=True).fill("1 x NVIDIA L4, 24 GB")
    page.get_by_label("Most machines").fill("-1")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("The maximum scale cannot be negative.")).to_be_visible()
    keep(page, artefacts, "organization-environment-refused")
    page.get_by_label("Most machines").fill("8")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(said(page, "Created GPU box")).to_be_visible()
    page.goto(house.tab("environments"))
    row = page.get_by_role("row").filter(has_text=slug)
    row.get_by_role("button", name="Make default").click()
    expect(row.get_by_text("default of new projects")).to_be_visible()
    row.get_by_role("link", name="GPU box").click()


def limit_teams(page: Page, artefacts: Path) -> None:
    vision, speech = (page.get_by_role("row").filter(has_text=name) for name in ("vision", "speech"))
    speech.get_by_label("Place of speech").select_option("At most")
    speech.get_by_label(re.compile("^Most executions")).fill("2")
    speech.get_by_role("button", name="Save").click()
    expect(speech.get_by_text("At most 2 at once")).to_be_visible()
    vision.get_by_label("Place of vision").select_option("At most")
    vision.get_by_role("button", name="Save").click()
    expect(vision.get_by_text("Enter how many executions")).to_be_visible()
    vision.get_by_label(re.compile("^Most executions")).fill("0")
    vision.get_by_role("button", name="Save").click()
    expect(vision.get_by_text("blocked")).to_be_visible()
    keep(page, artefacts, "organization-environment")
    page.get_by_role("link", name="Environments", exact=True).first.click()
    expect(page.get_by_text("vision blocked")).to_be_visible()
    keep(page, artefacts, "organization-environments")


def add_registry(page: Page, house: House, artefacts: Path) -> None:
    page.goto(house.tab("registries"))
    expect(page.get_by_text("No registries")).to_be_visible()
    page.get_by_text("Add credentials").click()
    page.get_by_role("link", name="Docker login").click()
    page.get_by_label("Images").fill("docker.io/acme/*")
    page.get_by_label("User name").fill("robot")
    page.get_by_label("Password or token").fill("s3cret-password")
    keep(page, artefacts, "organization-registry")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="docker.io/acme/*").click()
    expect(page.get_by_text("Leave the field empty to keep it")).to_be_visible()
    expect(page.get_by_label("Password or token")).to_have_value("")
    page.get_by_label("Images").fill("quay.io/acme/*")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Enter the password or token again")).to_be_visible()
    page.goto(house.tab("registries"))
    expect(page.get_by_role("link", name="docker.io/acme/*")).to_be_visible()
    keep(page, artefacts, "organization-registries")


def add_variables(page: Page, house: House, artefacts: Path) -> None:
    page.goto(house.tab("variables"))
    page.get_by_label("Name").fill("TRACKING_URL")
    page.get_by_label("Value").fill("https://tracking.example.com")
    page.get_by_role("button", name="Save variable").click()
    expect(page.get_by_text("https://tracking.example.com")).to_be_visible()
    page.get_by_role("link", name="Create group").click()
    page.get_by_label("Name").fill("databases")
    page.get_by_label("churn-model").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(said(page, "Created databases")).to_be_visible()
    page.get_by_label("Name").first.fill("DB_PASSWORD")
    page.get_by_label("Value").fill("s3cret-database")
    page.get_by_label("Secret: never shown again").check()
    page.get_by_role("button", name="Save variable").click()
    expect(said(page, "Saved DB_PASSWORD")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="DB_PASSWORD")).to_contain_text("secret")
    keep(page, artefacts, "organization-variable-group")
    page.goto(house.tab("variables"))
    keep(page, artefacts, "organization-variables")
    page.goto(f"/p/{house.name}/churn-model/settings/variables/")
    expect(page.get_by_role("row").filter(has_text="DB_PASSWORD")).to_contain_text("group databases")
    keep(page, artefacts, "settings-variables-inherited")


def member_is_told(house: House, slug: str, artefacts: Path) -> None:
    page = house.member
    page.goto(f"/p/{house.name}/churn-model/executions/create/")
    closed = page.get_by_role("combobox", name=re.compile("^Environment")).locator(f"option[value='{slug}']")
    expect(closed).to_be_disabled()
    expect(closed).to_contain_text("The quota of the team vision in it is 0")
    page.get_by_label(re.compile("^databases")).check()
    expect(page.get_by_role("complementary", name=re.compile("^Changes from"))).to_contain_text("databases")
    keep(page, artefacts, "create-in-an-organization")
    page.get_by_role("button", name="Create execution").click()
    page.wait_for_url(re.compile(r"/execution/[0-9a-f-]{36}/"))
    expect(page.get_by_text("DB_PASSWORD").locator("visible=true").first).to_be_visible()
