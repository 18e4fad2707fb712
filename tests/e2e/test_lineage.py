"""Aliases with their history, the trace of a file, running something again, and rules of retention, in a real browser."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, StorageState, expect

from tests.e2e.conftest import Workspace
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

YAML = """\
- step:
    name: copy
    image: none
    command: cp $VH_INPUTS_DIR/source/* $VH_OUTPUTS_DIR/copy.txt
    inputs:
      - name: source
- step:
    name: make
    image: none
    command: echo made > $VH_OUTPUTS_DIR/made.txt
"""


@pytest.fixture
def generations(rest: Rest, workspace: Workspace) -> list[dict[str, str]]:
    """made.txt, a copy of it, and a copy of that: each an output of one execution and an input of the next."""
    commit = rest.import_package(workspace.id, {"valohai.yaml": YAML})
    files: list[dict[str, str]] = []
    for step in ("make", "copy", "copy"):
        inputs = {"source": [f"datum://{files[-1]['id']}"]} if files else {}
        execution = rest.run(workspace.id, commit, step, inputs=inputs)
        assert rest.wait(execution)["status"] == "complete"
        [made] = rest.get("data/", output_execution=execution)["results"]
        files.append({"id": made["id"], "name": made["name"], "execution": execution})
    return files


def confirm(page: Page, action: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


def test_an_alias_moves_and_moves_back(
    page: Page, workspace: Workspace, generations: list[dict[str, str]]
) -> None:
    page.goto(f"{workspace.path}data/aliases/")
    for file in generations[:2]:
        page.get_by_role("textbox", name="Alias").fill("newest")
        page.get_by_role("textbox", name="File").fill(f"datum://{file['id']}")
        page.get_by_role("button", name="Set alias").click()
        expect(page.get_by_role("cell", name=file["name"], exact=True)).to_be_visible()
    page.get_by_role("link", name="datum://newest").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Point back").click()
    confirm(page, "Point back")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Delete…").click()
    confirm(page, "Delete")
    expect(page.get_by_text("No aliases yet")).to_be_visible()


def test_a_trace_by_pointer_and_by_keys(
    page: Page, workspace: Workspace, generations: list[dict[str, str]], tmp_path: Path
) -> None:
    middle = generations[1]
    page.goto(f"{workspace.path}data/{middle['id']}/")
    expect(page.get_by_role("heading", name="Used by")).to_be_visible()
    page.get_by_role("link", name="Trace", exact=True).click()
    nodes = page.locator(".trace-node")
    expect(nodes).to_have_count(6)
    expect(page.get_by_role("status").filter(has_text="3 files, 3 executions")).to_be_visible()
    start = page.locator(".trace-node.is-start")
    start.focus()
    expect(page.locator(".trace-item.is-on-path")).to_have_count(6)
    start.press("ArrowLeft")
    focused = page.locator(".trace-node:focus")
    expect(focused).to_have_attribute("data-id", middle["execution"])
    for kind, mark in (("Picture", "<svg"), ("Data", '"nodes"')):
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as saved:
            page.get_by_role("button", name=re.compile(kind)).click()
        saved.value.save_as(tmp_path / kind)
        assert mark in (tmp_path / kind).read_text()
    assert len(json.loads((tmp_path / "Data").read_text())["nodes"]) == 6
    page.get_by_label("Direction").select_option("up")
    expect(nodes).to_have_count(4)
    page.get_by_label("How far").select_option("1")
    expect(page.locator(".trace-more")).to_have_count(1)
    page.locator(".trace-node.is-execution").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/execution/{middle['execution']}/"))


def test_running_something_again_says_what_is_in_the_way(
    page: Page, workspace: Workspace, rest: Rest, generations: list[dict[str, str]]
) -> None:
    made, copy = generations[:2]
    page.goto(f"{workspace.path}data/{copy['id']}/trace/")
    page.get_by_role("link", name="Reproduce").click()
    expect(page.get_by_text("nothing is different today")).to_be_visible()
    rest.post(f"data/{made['id']}/purge/", expect=200)
    page.reload()
    expect(page.get_by_text("it cannot be created as it was")).to_be_visible()
    expect(
        page.get_by_role("region", name=re.compile("Compared with")).get_by_text("made.txt")
    ).to_be_visible()


def test_a_rule_is_tried_and_enabled(page: Page, workspace: Workspace) -> None:
    page.goto(f"{workspace.path}settings/retention/")
    page.get_by_label("Name", exact=True).fill("checkpoints")
    page.get_by_label("With a name such as").fill("checkpoints/**")
    page.get_by_role("button", name="Add rule").click()
    expect(page.get_by_text("was not tried")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("No file fits the rule now.")).to_be_visible()
    page.get_by_role("button", name="Enable…").click()
    confirm(page, "Enable")
    expect(page.get_by_role("button", name="Disable")).to_be_visible()


def test_pictures(
    open_context: Callable[..., BrowserContext],
    session: StorageState,
    live_platform: LivePlatform,
    workspace: Workspace,
    generations: list[dict[str, str]],
    artefacts: Path,
) -> None:
    looks = {
        "wide-light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
        "narrow-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    }
    pages = {
        "trace": (f"data/{generations[1]['id']}/trace/", ".trace-node"),
        "file": (f"data/{generations[1]['id']}/", "#file-uses"),
        "retention": ("settings/retention/", "form.panel"),
        "reproduction": (f"executions/create/?from={generations[1]['execution']}", ".reproduction"),
    }
    for look, options in looks.items():
        tab = open_context(storage_state=session, base_url=live_platform.url, **options).new_page()
        for name, (path, part) in pages.items():
            tab.goto(f"{workspace.path}{path}")
            expect(tab.locator(part).first).to_be_visible()
            tab.screenshot(path=artefacts / f"lineage-{name}-{look}.png")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert tab.evaluate(overflow) <= 0, f"{name} is wider than the screen ({look})"
