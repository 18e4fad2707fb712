"""Packages from the button to the job: a real installation with its own agent, on its own storage and on an S3."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, StorageState, expect

from tests.e2e.conftest import Workspace, unique_name
from tests.support.live import LivePlatform
from tests.support.rest import Rest
from tests.support.stores import Emulators

pytestmark = [pytest.mark.live, pytest.mark.browser]

FILES = 300
YAML = """\
- step:
    name: make
    image: python:3.12-slim
    command: python make.py
- step:
    name: use
    image: python:3.12-slim
    command:
      - cd /valohai/inputs/images && find . -type f | sort | xargs cat | sha256sum
      - find /valohai/inputs/images -type f | wc -l
      - grep -v input_id /valohai/config/inputs.json | sha256sum
    inputs:
      - {name: images, keep-directories: full, default: "dataset://NAME/v1"}
"""
MAKE = """\
import json, os
outputs = os.environ["VH_OUTPUTS_DIR"]
os.makedirs(os.path.join(outputs, "img"))
with open(os.path.join(outputs, "valohai.metadata.jsonl"), "w") as described:
    for number in range(FILES):
        name = "img/%03d.txt" % number
        with open(os.path.join(outputs, name), "w") as file:
            file.write("picture %d" % number)
        metadata = {"valohai.dataset-versions": ["dataset://NAME/v1"], "number": number}
        described.write(json.dumps({"file": name, "metadata": metadata}) + "\\n")
"""


def make_version(rest: Rest, project_id: str) -> tuple[str, str, str]:
    """A dataset made by a run: its name, the id of its version, and the commit."""
    name = unique_name("images")
    files = {"valohai.yaml": YAML, "make.py": MAKE.replace("FILES", str(FILES))}
    commit = rest.import_package(
        project_id, {path: text.replace("NAME", name) for path, text in files.items()}
    )
    made = rest.run(project_id, commit, "make")
    assert rest.wait(made, seconds=120)["status"] == "complete"
    [dataset] = rest.get("datasets/", project=project_id)["results"]
    [version] = rest.get("dataset-versions/", dataset=dataset["id"])["results"]
    return dataset["id"], version["id"], commit


def use(rest: Rest, project_id: str, commit: str) -> tuple[list[str], list[str]]:
    """What the job saw, and what was said of packages. Without a cache: every file comes anew."""
    used = rest.run(project_id, commit, "use", environment_variables={"VH_NO_DATA_CACHE": "1"})
    assert rest.wait(used, seconds=120)["status"] == "complete", rest.lines(used)[-5:]
    said = [line for line in rest.lines(used, "status") if "package of" in line]
    return rest.lines(used, "stdout"), said


def test_from_the_button_to_the_job(
    page: Page,
    rest: Rest,
    workspace: Workspace,
    artefacts: Path,
    live_platform: LivePlatform,
    open_context: Callable[..., BrowserContext],
    session: StorageState,
) -> None:
    dataset, version, commit = make_version(rest, workspace.id)
    seen_before, said = use(rest, workspace.id, commit)
    assert said == []
    address = f"{workspace.path}data/datasets/{dataset}/{version}/"
    page.goto(address)
    panel = page.locator("#packaging")
    expect(panel).to_contain_text("one by one")
    keep_both(open_context, session, live_platform, address, artefacts, "packages-none")
    panel.get_by_role("button", name="Pack small files").click()
    expect(panel).to_contain_text("ready", timeout=60_000)
    expect(panel).to_contain_text(f"{FILES} of {FILES} packed")
    keep_both(open_context, session, live_platform, address, artefacts, "packages-ready")

    seen, said = use(rest, workspace.id, commit)
    assert seen == seen_before, "what a job sees does not depend on it"
    assert str(FILES) in seen
    assert [line.startswith(f"package of {FILES} input files downloaded") for line in said] == [True]

    panel.get_by_role("button", name="Remove the packages").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(panel.get_by_role("button", name="Pack small files")).to_be_visible()
    assert use(rest, workspace.id, commit) == (seen_before, [])


def keep_both(
    open_context: Callable[..., BrowserContext],
    session: StorageState,
    platform: LivePlatform,
    address: str,
    artefacts: Path,
    name: str,
) -> None:
    """Wide and light, narrow and dark."""
    for suffix, width, scheme in (("", 1440, "light"), ("-narrow-dark", 390, "dark")):
        context = open_context(
            storage_state=session,
            base_url=platform.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
        )
        tab = context.new_page()
        tab.goto(address)
        tab.locator("#packaging").scroll_into_view_if_needed()
        tab.wait_for_timeout(400)
        tab.screenshot(path=str(artefacts / f"{name}{suffix}.png"))


@pytest.mark.emulator
def test_on_an_s3(rest: Rest, workspace: Workspace, all_emulators: Emulators) -> None:
    settings: dict[str, Any] = all_emulators.get("s3").settings
    store = rest.post(
        "stores/", {"name": "bucket", "type": "s3", "project": workspace.id, "configuration": settings}
    )
    rest.patch(f"projects/{workspace.id}/", {"upload_store_id": store["id"]})
    _, version, commit = make_version(rest, workspace.id)
    seen_before, _ = use(rest, workspace.id, commit)
    address = f"dataset-versions/{version}/packaging/"
    rest.post(address, expect=202)
    state = wait_for_end(rest, address)
    assert (state["state"], state["file_count"]) == ("ready", FILES), json.dumps(state)
    seen, said = use(rest, workspace.id, commit)
    assert seen == seen_before
    assert len(said) == 1


def wait_for_end(rest: Rest, address: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while (found := rest.get(address))["state"] in ("waiting", "building"):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found
