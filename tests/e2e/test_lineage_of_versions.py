"""Traces through versions of datasets and addresses, and the badge of alerts, in a real browser."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, StorageState, expect

from tests.e2e.conftest import Workspace
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

YAML = """\
- step:
    name: make
    image: none
    command: for number in $(seq 25); do echo $number > $VH_OUTPUTS_DIR/part-$number.txt; done
- step:
    name: train
    image: none
    command: cat $VH_INPUTS_DIR/*/* > $VH_OUTPUTS_DIR/model.bin
    inputs:
      - name: parts
      - name: labels
        optional: true
"""
LOOKS = {
    "wide-light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "wide-dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "narrow-light": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "narrow-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it can be read."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Story:
    """25 files of one run in a version of a dataset, and two runs that used it with labels from the web, which changed between
    them."""

    def __init__(self, rest: Rest, workspace: Workspace, web: tuple[Path, str]) -> None:
        folder, address = web
        commit = rest.import_package(workspace.id, {"valohai.yaml": YAML})
        self.maker = rest.run(workspace.id, commit, "make")
        assert rest.wait(self.maker)["status"] == "complete"
        files = [row["id"] for row in rest.get("data/", output_execution=self.maker, limit=100)["results"]]
        self.dataset = rest.post("datasets/", {"name": f"parts-{workspace.name}", "projects": [workspace.id]})
        self.version = rest.post(
            "dataset-versions/", {"dataset": self.dataset["id"], "name": "v1", "files": files}
        )
        self.runs = []
        for number in range(2):
            (folder / "labels.csv").write_text(f"label,{'x' * number * 9}\n")
            # Of another time, and long enough ago for the host to trust what the server says of it.
            os.utime(folder / "labels.csv", (1_700_000_000 + number * 60,) * 2)
            inputs = {
                "parts": [f"dataset://{self.dataset['name']}/v1"],
                "labels": [f"{address.replace('://', '://reader:pa55word@')}/labels.csv"],
            }
            run = rest.run(workspace.id, commit, "train", inputs=inputs, title=f"train {number}")
            assert rest.wait(run)["status"] == "complete", rest.execution(run)["error_text"]
            self.runs.append(run)
        [self.model] = rest.get("data/", output_execution=self.runs[1])["results"]


@pytest.fixture
def story(rest: Rest, workspace: Workspace, web: tuple[Path, str]) -> Story:
    return Story(rest, workspace, web)


def test_a_trace_through_a_version_and_an_address(
    page: Page, workspace: Workspace, story: Story, tmp_path: Path
) -> None:
    page.goto(f"{workspace.path}data/{story.model['id']}/trace/")
    expect(page.locator(".trace-node")).to_have_count(5)
    expect(
        page.get_by_role("status").filter(has_text="1 file, 2 executions, 1 dataset version, 1 address")
    ).to_be_visible()
    expect(page.locator(".trace-node.is-address")).to_contain_text("labels.csv")
    assert "pa55word" not in page.content()
    for kind, mark in (("Picture", "<svg"), ("Data", '"nodes"')):
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as saved:
            page.get_by_role("button", name=re.compile(kind)).click()
        saved.value.save_as(tmp_path / kind)
        text = (tmp_path / kind).read_text()
        assert mark in text
        assert "pa55word" not in text
    kinds = [node["kind"] for node in json.loads((tmp_path / "Data").read_text())["nodes"]]
    assert sorted(kinds) == ["address", "execution", "execution", "file", "version"]
    page.locator(".trace-more").click()
    page.wait_for_url(re.compile(r"/data/datasets/.*/trace/"))
    expect(page.locator(".trace-node.is-start")).to_have_attribute("data-id", story.version["id"])
    expect(page.locator(".trace-node.is-file")).to_have_count(25 + 2)
    page.get_by_label("Direction").select_option("down")
    expect(page.locator(".trace-node")).to_have_count(1 + 2 + 2)
    page.locator(".trace-node.is-start").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/{story.version['id']}/$"))
    page.get_by_role("link", name="Trace", exact=True).click()
    page.wait_for_url(re.compile(rf"/{story.version['id']}/trace/"))


def test_alerts_are_a_badge_in_the_list_and_in_the_header(
    page: Page, workspace: Workspace, story: Story
) -> None:
    page.goto(workspace.path)
    badge = page.locator("tbody .chip-warning")
    expect(badge).to_have_count(1)
    badge.click()
    page.wait_for_url(re.compile(rf"/execution/{story.runs[1]}/"))
    header = page.locator("#alert-badge")
    expect(header).to_have_text(re.compile(r"1\s+alert"))
    page.get_by_role("tab", name=re.compile("Log")).click()
    header.click()
    expect(page.locator("#panel-details .notice-warning").first).to_be_visible()
    page.goto(f"{workspace.path}execution/{story.runs[0]}/")
    expect(header).to_be_hidden()


def test_pictures(
    open_context: Callable[..., BrowserContext],
    session: StorageState,
    live_platform: LivePlatform,
    workspace: Workspace,
    story: Story,
    artefacts: Path,
) -> None:
    version = f"data/datasets/{story.dataset['id']}/{story.version['id']}/"
    pages = {
        "trace": (f"data/{story.model['id']}/trace/", ".trace-node"),
        "version-trace": (f"{version}trace/", ".trace-node"),
        "version": (version, ".dataset-side"),
        "alert-list": ("", "tbody .chip-warning"),
        "alert-header": (f"execution/{story.runs[1]}/", "#alert-badge"),
    }
    for look, options in LOOKS.items():
        tab = open_context(storage_state=session, base_url=live_platform.url, **options).new_page()
        for name, (path, part) in pages.items():
            tab.goto(f"{workspace.path}{path}")
            expect(tab.locator(part).first).to_be_visible()
            tab.wait_for_timeout(400)
            tab.screenshot(path=artefacts / f"lineage-of-versions-{name}-{look}.png")
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert tab.evaluate(overflow) <= 0, f"{name} is wider than the screen ({look})"
