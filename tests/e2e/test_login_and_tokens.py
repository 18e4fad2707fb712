"""Getting in, and giving programs a way in."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Complaints
from tests.e2e.pages import LoginPage
from tests.support.live import LivePlatform

pytestmark = [pytest.mark.live, pytest.mark.browser]


def test_wrong_password_then_the_right_one(
    open_context: Callable[..., BrowserContext], complaints: Complaints, live_platform: LivePlatform
) -> None:
    complaints.expect("the server responded with a status of 400")
    page = open_context(base_url=live_platform.url).new_page()
    page.goto("/auth/tokens/")
    login = LoginPage(page, live_platform.url)
    login.submit(live_platform.username, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")
    expect(page.get_by_label("Username")).to_have_value(live_platform.username)
    login.submit(live_platform.username, live_platform.password)
    expect(page.get_by_role("heading", name="API tokens", exact=True)).to_be_visible()


def test_token_is_shown_once_works_and_can_be_revoked(page: Page, live_platform: LivePlatform) -> None:
    page.goto("/auth/tokens/")
    page.get_by_label("Name").fill("browser journey")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#new-token").inner_text().strip()
    assert len(secret) >= 32

    page.goto("/auth/tokens/")
    row = page.get_by_role("row").filter(has_text="browser journey")
    expect(row).to_contain_text("never")
    expect(page.get_by_text(secret)).to_have_count(0)
    assert who_am_i(live_platform, secret).json()["username"] == live_platform.username

    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status").filter(has_text="is revoked")).to_be_visible()
    expect(row).to_have_count(0)
    assert who_am_i(live_platform, secret).status_code == 401


def who_am_i(platform: LivePlatform, secret: str) -> httpx.Response:
    return httpx.get(
        f"{platform.url}/api/v0/users/me/", headers={"Authorization": f"Token {secret}"}, trust_env=False
    )
