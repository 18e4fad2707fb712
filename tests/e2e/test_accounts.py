"""Journeys of one's own account: a second factor and what happens when it is lost, a forgotten password, an address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts import totp
from common import clock
from tests.e2e.conftest import Complaints, unique_name
from tests.e2e.letters import link_in, wait_for_letter
from tests.e2e.pages import AccountMenu, LoginPage
from tests.e2e.test_screenshots import keep
from tests.support.live import LivePlatform
from tests.support.people import PASSWORD, make_person

pytestmark = [pytest.mark.live, pytest.mark.browser]

NEW_PASSWORD = "the second long secret"
REFUSED = "the server responded with a status of 400"


@dataclass
class Person:
    username: str
    page: Page
    login: LoginPage

    @property
    def email(self) -> str:
        return f"{self.username}@example.com"

    def log_in(self, password: str = PASSWORD) -> None:
        self.login.open().submit(self.username, password)

    def is_in(self) -> None:
        expect(self.page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()

    def log_out(self) -> None:
        AccountMenu(self.page).choose("Log out")
        expect(self.page.get_by_role("button", name="Log in")).to_be_visible()

    def give_code(self, code: str) -> None:
        self.page.get_by_label("Authentication code").fill(code)
        self.page.get_by_role("button", name="Continue").click()


@pytest.fixture
def dora(open_context: Callable[..., BrowserContext], live_platform: LivePlatform) -> Person:
    """A user whom the administrator has made, in a browser that nobody is signed in to."""
    username = unique_name("dora")
    make_person(live_platform, username)
    page = open_context(base_url=live_platform.url).new_page()
    return Person(username, page, LoginPage(page, live_platform.url))


def test_second_factor_from_setup_to_loss(dora: Person, complaints: Complaints, artefacts: Path) -> None:
    complaints.expect(REFUSED)
    page = dora.page
    dora.log_in()
    dora.is_in()

    AccountMenu(page).choose("Your account")
    page.get_by_role("link", name="Authentication", exact=True).click()
    page.get_by_role("link", name="Set up", exact=True).click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    qr_code = page.get_by_role("img", name=re.compile("^QR code"))
    expect(qr_code).to_be_visible()
    assert qr_code.evaluate("image => image.naturalWidth") > 100, "the policy lets the picture be shown"
    keep(page, artefacts, "two-factor-confirm")
    seed = page.locator("#totp-seed").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(totp.code_at(seed, clock.now()))
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == totp.RECOVERY_CODES
    keep(page, artefacts, "recovery-codes")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 unused recovery codes")).to_be_visible()
    keep(page, artefacts, "security-with-two-factor")
    dora.log_out()

    dora.log_in()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    keep(page, artefacts, "login-code")
    dora.give_code("000000")
    expect(page.get_by_text("This code is not right")).to_be_visible()
    # The code of the setup is used up; the next one of the app counts already.
    dora.give_code(totp.code_at(seed, clock.now() + timedelta(seconds=totp.STEP_SECONDS)))
    dora.is_in()
    dora.log_out()

    dora.log_in()
    dora.give_code(codes[0])
    dora.is_in()
    page.goto("/auth/security/")
    expect(page.get_by_text("9 unused recovery codes")).to_be_visible()
    page.get_by_role("link", name="Switch off").click()
    keep(page, artefacts, "two-factor-disable")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code of your app, or a recovery code").fill(codes[1])
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Two-factor authentication is off.")).to_be_visible()
    dora.log_out()
    dora.log_in()
    dora.is_in()


def test_forgotten_password(
    dora: Person,
    complaints: Complaints,
    live_platform: LivePlatform,
    artefacts: Path,
    open_context: Callable[..., BrowserContext],
) -> None:
    complaints.expect(REFUSED)
    elsewhere = open_context(base_url=live_platform.url).new_page()
    LoginPage(elsewhere, live_platform.url).open().log_in(dora.username, PASSWORD)

    page = dora.page
    page.goto("/auth/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(dora.email)
    page.get_by_role("button", name="Send the letter").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    keep(page, artefacts, "reset-sent")
    link = link_in(wait_for_letter(live_platform, dora.email, "Set a new password"), "/auth/reset/")
    page.goto(link)
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again").fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("too short")).to_be_visible()
    keep(page, artefacts, "reset-set")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()

    page.goto(link)
    expect(page.get_by_role("heading", name="This link is not good")).to_be_visible()
    dora.log_in()
    expect(page.get_by_text("The user name or the password is wrong.")).to_be_visible()
    dora.log_in(NEW_PASSWORD)
    dora.is_in()
    elsewhere.reload()
    expect(elsewhere.get_by_role("button", name="Log in")).to_be_visible()
    wait_for_letter(live_platform, dora.email, "Your account on")


def test_another_address_and_another_browser(
    dora: Person,
    live_platform: LivePlatform,
    artefacts: Path,
    open_context: Callable[..., BrowserContext],
) -> None:
    page = dora.page
    dora.log_in()
    dora.is_in()
    elsewhere = open_context(base_url=live_platform.url).new_page()
    LoginPage(elsewhere, live_platform.url).open().log_in(dora.username, PASSWORD)

    page.goto("/auth/emails/")
    other = f"other-{dora.email}"
    page.get_by_label("New address").fill(other)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Add address").click()
    expect(page.get_by_text("not verified")).to_be_visible()
    keep(page, artefacts, "emails-with-two")
    page.goto(link_in(wait_for_letter(live_platform, other, "Verify"), "/auth/emails/verify/"))
    keep(page, artefacts, "email-verify")
    page.get_by_role("button", name="Verify the address").click()
    page.get_by_role("button", name="Make primary").click()
    expect(page.get_by_text(f"{other} is your primary address now.")).to_be_visible()
    page.get_by_role("button", name=f"Remove {dora.email}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text(f"{dora.email} is removed.")).to_be_visible()

    page.goto("/auth/security/")
    expect(page.get_by_text("this browser")).to_have_count(1)
    keep(page, artefacts, "security-with-two-browsers")
    page.get_by_role("button", name="Sign out elsewhere").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Every other browser is signed out.")).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_role("button", name="Log in")).to_be_visible()


def test_api_reference_keeps_the_policy(page: Page) -> None:
    page.goto("/api/docs/")
    expect(page.get_by_role("heading", name=re.compile("MLOps platform API"))).to_be_visible()
    page.locator("#operations-tag-users").click()
    page.locator("#operations-users-users-me .opblock-summary").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text('"username"')
