"""Every main page, wide and narrow, light and dark: kept for looking at, and checked for what a machine can see."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.code import CODE
from tests.e2e.conftest import Complaints, Workspace, unique_name
from tests.e2e.pages import ExecutionPage
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

LOOKS = (({"width": 1440, "height": 900}, "light"), ({"width": 390, "height": 844}, "dark"))


@pytest.fixture(scope="module")
def shown(live_platform: LivePlatform) -> tuple[Workspace, str]:
    """A project as it looks after some work, and the execution that is worth a look."""
    rest = Rest(live_platform.url, live_platform.token)
    name = unique_name("bearing-failures")
    project_id = rest.create_project(name)
    workspace = Workspace(
        name, project_id, rest.import_package(project_id, CODE), f"/p/{live_platform.username}/{name}/"
    )
    runs = [
        rest.run(
            project_id, workspace.commit, "train",
            title=title, tags=tags, parameters={"epochs": epochs, "learning_rate": rate},
        )
        for title, tags, epochs, rate in (
            ("Baseline", ["baseline"], 12, 0.02),
            ("Faster learning", ["sweep"], 25, 0.15),
            ("More epochs", ["sweep", "candidate"], 60, 0.06),
        )
    ]  # fmt: skip
    stopped = rest.run(project_id, workspace.commit, "wait", title="Waiting for a sensor")
    for run in runs:
        assert rest.wait(run)["status"] == "complete"
    rest.wait_for_line(stopped, "waiting for nothing")
    rest.post(f"executions/{stopped}/stop/", expect=200)
    rest.wait(stopped)
    return workspace, runs[-1]


def keep(page: Page, artefacts: Path, name: str) -> None:
    """The page as it is, wide and light, narrow and dark; nothing may stick out at the side."""
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        page.screenshot(path=artefacts / f"{name}-{size['width']}-{scheme}.png", animations="disabled")
        sticking_out = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert sticking_out <= 0, f"{name} is {sticking_out} px wider than a window of {size['width']} px"


def test_login(
    open_context: Callable[..., BrowserContext], live_platform: LivePlatform, artefacts: Path
) -> None:
    page = open_context(base_url=live_platform.url).new_page()
    page.goto("/auth/login/")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    keep(page, artefacts, "login")


@pytest.mark.parametrize("name", ["reset", "reset/1-forged"])
def test_forgotten_password(
    open_context: Callable[..., BrowserContext],
    complaints: Complaints,
    live_platform: LivePlatform,
    artefacts: Path,
    name: str,
) -> None:
    complaints.expect("the server responded with a status of 400")
    page = open_context(base_url=live_platform.url).new_page()
    page.goto(f"/auth/{name}/")
    expect(page.locator(".login-card .btn-primary")).to_be_visible()
    keep(page, artefacts, name.replace("/", "-"))


@pytest.mark.parametrize(
    ("name", "path", "landmark"),
    [
        ("home", "/", "Projects"),
        ("tokens", "/auth/tokens/", "API tokens"),
        ("profile", "/auth/profile/", "User name"),
        ("emails", "/auth/emails/", "Add an address"),
        ("security", "/auth/security/", "Two-factor authentication"),
        ("password-change", "/auth/security/password/", "New password again"),
        ("two-factor-begin", "/auth/security/two-factor/", "authenticator app"),
        ("environments", "/environments/", "Local machine"),
        ("environment", "/environments/local/", "Jobs in its queue"),
        ("executions", "{project}", "Baseline"),
        ("create", "{project}executions/create/", "learning_rate"),
        ("commits", "{project}commits/", "test"),
        ("data", "{project}data/", "model.json"),
        ("settings-general", "{project}settings/general/", "Save"),
        ("settings-repository", "{project}settings/repository/", "Save and fetch"),
        ("settings-variables", "{project}settings/variables/", "variable"),
        ("details", "{execution}", "learning_rate"),
        ("outputs", "{execution}#outputs", "model.json"),
    ],
)
def test_page(
    page: Page, shown: tuple[Workspace, str], artefacts: Path, name: str, path: str, landmark: str
) -> None:
    workspace, execution_id = shown
    page.goto(path.format(project=workspace.path, execution=workspace.execution_path(execution_id)))
    expect(page.locator("main").get_by_text(landmark).locator("visible=true").first).to_be_visible()
    keep(page, artefacts, name)


def test_log(page: Page, shown: tuple[Workspace, str], artefacts: Path) -> None:
    workspace, execution_id = shown
    page.goto(workspace.execution_path(execution_id) + "#log")
    expect(ExecutionPage(page).line("saved the model")).to_be_visible()
    keep(page, artefacts, "log")


def test_metadata(page: Page, shown: tuple[Workspace, str], artefacts: Path) -> None:
    workspace, execution_id = shown
    page.goto(workspace.execution_path(execution_id) + "#metadata")
    expect(page.locator("figure.chart:not(.is-empty) canvas").nth(1)).to_be_visible()
    keep(page, artefacts, "metadata")


def test_new_project(page: Page, rest: Rest, live_platform: LivePlatform, artefacts: Path) -> None:
    name = unique_name("nothing-yet")
    rest.create_project(name)
    page.goto(f"/p/{live_platform.username}/{name}/")
    expect(page.get_by_role("heading", name="Run something")).to_be_visible()
    keep(page, artefacts, "new-project")
