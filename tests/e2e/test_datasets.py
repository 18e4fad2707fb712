"""Datasets from a run to the next run, by the pages of a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Complaints, Workspace, unique_name
from tests.e2e.test_screenshots import keep
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]

YAML = """\
- step:
    name: make
    image: python:3.12-slim
    command: python make.py
- step:
    name: use
    image: python:3.12-slim
    command: find /valohai/inputs -type f -printf 'have %P\\n'
    inputs:
      - {name: images, keep-directories: full, default: "dataset://NAME/production"}
"""
MAKE = """\
import json, os
outputs = os.environ["VH_OUTPUTS_DIR"]
os.makedirs(os.path.join(outputs, "img"))
with open(os.path.join(outputs, "valohai.metadata.jsonl"), "w") as described:
    for number in range(30):
        name = "img/%02d.txt" % number
        with open(os.path.join(outputs, name), "w") as file:
            file.write("picture %d" % number)
        wish = {"uri": "dataset://NAME/v1", "valohai.tags": ["raw"], "metadata": {"camera": 7}, "packaging": True}
        described.write(json.dumps({"file": name, "metadata": {"valohai.dataset-versions": [wish]}}) + "\\n")
with open(os.path.join(outputs, "extra.txt"), "w") as file:
    file.write("extra")
with open(os.path.join(outputs, "extra.txt.metadata.json"), "w") as file:
    json.dump({"valohai.dataset-versions": [{"uri": "dataset://NAME/v9", "from": "dataset://NAME/v9"}]}, file)
"""


def test_from_a_run_to_the_next(
    page: Page, rest: Rest, workspace: Workspace, artefacts: Path, complaints: Complaints
) -> None:
    complaints.expect("the server responded with a status of 400")  # a name that is taken
    name = unique_name("images")  # the owner has others, of other tests
    files = {"valohai.yaml": YAML, "make.py": MAKE}
    commit = rest.import_package(
        workspace.id, {path: text.replace("NAME", name) for path, text in files.items()}
    )
    made = rest.run(workspace.id, commit, "make")
    assert rest.wait(made)["status"] == "complete"
    rest.wait_for_line(made, "would contain itself")

    page.goto(f"{workspace.path}data/")
    page.get_by_role("link", name="Datasets").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("cell", name="v1 latest raw")).to_be_visible()
    expect(page.get_by_role("link", name="#1")).to_be_visible()

    page.get_by_role("link", name="v1", exact=True).click()
    expect(page.get_by_text("img/00.txt")).to_be_visible()
    keep(page, artefacts, "dataset-version")
    page.get_by_label("Find files").fill("07")
    expect(page.get_by_text("img/00.txt")).to_be_hidden()
    page.get_by_role("button", name="img/07.txt", exact=True).click()
    expect(page.get_by_text("picture 7")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("link", name="New version from this").click()
    page.get_by_label("Without").fill("img/0*.txt")
    page.get_by_label("Find files of the project").fill("extra")
    page.get_by_role("checkbox", name="extra.txt").check()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    keep(page, artefacts, "dataset-build")
    page.get_by_label("Name", exact=True).fill("v1")
    page.get_by_role("button", name="Create version").click()
    expect(page.locator("[data-problem]")).to_contain_text("is there already")
    page.get_by_label("Name", exact=True).fill("v2")
    page.get_by_role("button", name="Create version").click()
    expect(page.get_by_role("heading", name="v2")).to_be_visible()

    page.get_by_role("link", name="what changed").click()
    expect(page.get_by_text("10 files")).to_be_visible()
    expect(page.get_by_text("extra.txt")).to_be_visible()
    keep(page, artefacts, "dataset-diff")

    page.get_by_role("link", name=name, exact=True).click()
    for version in ("v1", "v2"):
        page.get_by_label("Alias", exact=True).fill("production")
        page.get_by_label("Version", exact=True).select_option(version)
        page.get_by_role("button", name="Set", exact=True).click()
        expect(page.get_by_text(f"production is {version} now.")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Tags").fill("bearings, camera")
    page.get_by_label("Properties").fill('{"line": 4}')
    page.get_by_label("Notes").fill("Pictures of bearings.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".dataset-notes")).to_have_text("Pictures of bearings.")
    page.locator(".alias-history summary").click()
    expect(page.get_by_text("v1 → v2")).to_be_visible()
    keep(page, artefacts, "dataset")
    page.goto(f"{workspace.path}data/datasets/")
    keep(page, artefacts, "datasets")

    used = rest.run(workspace.id, commit, "use")
    assert rest.wait(used)["inputs"] == [{"name": "images", "urls": [f"dataset://{name}/v2"]}]
    have = sorted(line for line in rest.lines(used) if line.startswith("have "))
    assert have == [f"have images/{name}" for name in ["extra.txt", *(f"img/{n}.txt" for n in range(10, 30))]]
