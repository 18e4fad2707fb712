"""The pages as a user handles them: what one sees by name, what one does by button."""

import re

from playwright.sync_api import Locator, Page, expect


class LoginPage:
    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self) -> "LoginPage":
        self.page.goto(f"{self.url}/auth/login/")
        return self

    def submit(self, username: str, password: str) -> None:
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def log_in(self, username: str, password: str) -> None:
        self.submit(username, password)
        expect(self.page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


class AccountMenu:
    """The menu behind one's own name."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def choose(self, name: str) -> None:
        self.page.get_by_label(re.compile("^Account of")).click()
        self.page.locator(".app-bar").get_by_text(name, exact=True).click()


class CreateForm:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.commit = page.get_by_label("Commit", exact=True)
        self.step = page.get_by_label("Step", exact=True)
        self.title = page.get_by_role("textbox", name=re.compile("^Title"))
        self.changes = page.get_by_role("complementary", name=re.compile("^Changes from"))

    def choose_step(self, name: str) -> None:
        self.step.select_option(name)

    def parameter(self, name: str) -> Locator:
        return self.page.get_by_role("textbox", name=name, exact=True)

    def create(self) -> "ExecutionPage":
        self.page.get_by_role("button", name="Create execution").click()
        self.page.wait_for_url(re.compile(r"/execution/[0-9a-f-]{36}/"))
        return ExecutionPage(self.page)


class ExecutionPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.status = page.locator("#status-badge")
        self.log = page.get_by_role("log")
        self.picked = page.locator(".log-row.is-picked")

    def open_tab(self, name: str) -> None:
        tab = self.page.get_by_role("tab", name=re.compile(f"^{name}"))
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")

    def line(self, text: str) -> Locator:
        return self.log.locator(".log-row").filter(has_text=text)

    def shows_status(self, status: str) -> None:
        expect(self.status).to_have_text(status)

    def stop(self) -> None:
        self.page.get_by_role("button", name="Stop", exact=True).click()
        self.confirm("Stop")

    def confirm(self, action: str) -> None:
        self.page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()

    def id(self) -> str:
        return self.page.url.split("/execution/")[1].split("/")[0]


def keeps_page(page: Page) -> Locator:
    """Marks the loaded document; the locator finds the mark until the page is loaded again."""
    page.evaluate("document.body.dataset.sameDocument = 'yes'")
    return page.locator("body[data-same-document=yes]")
