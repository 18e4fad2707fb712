"""A real Chromium in front of a running installation. Whatever a page complains about fails the test that opened it."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from tests.e2e.code import CODE
from tests.e2e.pages import LoginPage
from tests.support.live import LivePlatform
from tests.support.rest import Rest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# What the policy refuses is told to the console by Chromium only for some directives; the event comes for all.
REPORT_REFUSALS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

expect.set_options(timeout=15_000)


@dataclass
class Complaints:
    """What the pages of one browser context said went wrong."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.add_init_script(REPORT_REFUSALS)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.found.append(f"{error.page}: uncaught {error.error}"))

    def expect(self, part: str) -> None:
        """A complaint that contains this text is what the test is about."""
        self.expected.append(part)

    def check(self) -> None:
        surprising = [text for text in self.found if not any(part in text for part in self.expected)]
        assert not surprising, "the browser complained:\n" + "\n".join(surprising)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type} on {message.location.get('url')}: {message.text}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of the module, not of the session: while Playwright runs, its thread has an event loop, which Django refuses."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no program `chromium` on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def open_context(browser: Browser, complaints: Complaints) -> Iterator[Callable[..., BrowserContext]]:
    """Makes watched browser contexts; at the end they are closed and what they complained about is judged."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        complaints.watch(context)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
    complaints.check()


@pytest.fixture(scope="module")
def session(browser: Browser, live_platform: LivePlatform) -> StorageState:
    """The cookies of the administrator, logged in through the page."""
    context = browser.new_context()
    LoginPage(context.new_page(), live_platform.url).open().log_in(
        live_platform.username, live_platform.password
    )
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(
    open_context: Callable[..., BrowserContext], session: StorageState, live_platform: LivePlatform
) -> Page:
    """A logged-in tab."""
    return open_context(storage_state=session, base_url=live_platform.url).new_page()


@pytest.fixture
def rest(live_platform: LivePlatform) -> Rest:
    return Rest(live_platform.url, live_platform.token)


@dataclass
class Workspace:
    """A project with code in it."""

    name: str
    id: str
    commit: str
    path: str

    def execution_path(self, execution_id: str) -> str:
        return f"{self.path}execution/{execution_id}/"


@pytest.fixture
def workspace(rest: Rest, live_platform: LivePlatform, request: pytest.FixtureRequest) -> Workspace:
    name = unique_name(request.node.name)
    project_id = rest.create_project(name)
    commit = rest.import_package(project_id, CODE)
    return Workspace(name, project_id, commit, f"/p/{live_platform.username}/{name}/")


def unique_name(text: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).removeprefix("test-")
    return f"{plain[:40]}-{time.time_ns() % 10**9}"


@pytest.fixture(scope="session")
def artefacts() -> Path:
    folder = Path(os.environ.get("E2E_ARTEFACTS", "artefacts")) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
