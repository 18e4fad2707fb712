"""Running something and watching it, as a data scientist does."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.code import CODE
from tests.e2e.conftest import Workspace, unique_name
from tests.e2e.pages import CreateForm, ExecutionPage, keeps_page
from tests.support.live import LivePlatform
from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]


def test_first_run_of_a_new_project(
    page: Page, rest: Rest, live_platform: LivePlatform, tmp_path: Path
) -> None:
    name = unique_name("first-run")
    page.goto("/")
    page.get_by_role("button", name="Create project").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name=f"{live_platform.username} / {name}")).to_be_visible()
    page.get_by_role("link", name="Create execution").first.click()
    expect(page.get_by_text("There is no code to run yet")).to_be_visible()

    project_id = next(
        row["id"] for row in rest.get("projects/", limit=1000)["results"] if row["name"] == name
    )
    rest.import_package(project_id, CODE)
    gate = tmp_path / "go-on"
    page.reload()
    form = CreateForm(page)
    expect(form.changes).to_contain_text("The step runs as it is written")
    form.parameter("epochs").fill("many")
    page.get_by_role("button", name="Create execution").click()
    expect(page.get_by_text("whole number")).to_be_visible()
    form.parameter("epochs").fill("6")
    form.parameter("go_on").fill(str(gate))
    expect(form.changes).to_contain_text("epochs")
    execution = form.create()

    same_document = keeps_page(page)
    execution.open_tab("Log")
    expect(execution.line("epoch 5 of 6")).to_be_visible()
    execution.shows_status("started")
    expect(execution.line("epoch 6 of 6")).to_have_count(0)
    expect(execution.log.locator(".log-stderr").filter(has_text="no accelerator found")).to_be_visible()
    execution.open_tab("Metadata")
    latest = page.get_by_role("row").filter(has=page.get_by_role("cell", name="epoch", exact=True))
    expect(latest).to_contain_text("5")

    gate.touch()
    expect(latest).to_contain_text("6")
    expect(page.locator("figure.chart:not(.is-empty) canvas").first).to_be_visible()
    expect(page.locator("figure.chart")).to_have_count(2)
    execution.shows_status("complete")
    execution.open_tab("Log")
    expect(execution.line("saved the model")).to_be_visible()

    check_outputs(page, execution)
    expect(same_document).to_have_count(1)
    parameters = rest.execution(execution.id())["parameters"]
    assert parameters["epochs"] == 6, parameters


def check_outputs(page: Page, execution: ExecutionPage) -> None:
    execution.open_tab("Outputs")
    expect(page.get_by_role("button", name="curve.csv", exact=True)).to_be_visible()
    page.get_by_role("button", name="model.json", exact=True).click()
    preview = page.get_by_role("dialog", name="model.json")
    expect(preview).to_contain_text('"kind": "linear"')
    with page.expect_download() as downloading:
        preview.get_by_role("button", name="Download", exact=True).click()
    assert downloading.value.suggested_filename == "model.json"
    assert json.loads(downloading.value.path().read_text())["weights"] == [0.25, -1.5]
    preview.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="curve.csv", exact=True).click()
    expect(
        page.get_by_role("dialog", name="curve.csv").get_by_role("columnheader", name="loss")
    ).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def test_stop_from_the_page(page: Page, rest: Rest, workspace: Workspace) -> None:
    execution_id = rest.run(workspace.id, workspace.commit, "wait")
    page.goto(workspace.execution_path(execution_id) + "#log")
    execution = ExecutionPage(page)
    expect(execution.line("waiting for nothing")).to_be_visible()
    execution.stop()
    execution.shows_status("stopped")
    expect(page.get_by_role("button", name=re.compile("[Ss]top$"))).to_have_count(0)
    execution.open_tab("Outputs")
    expect(page.get_by_role("button", name="partial.txt", exact=True)).to_be_visible()


def test_failure_says_why_and_leads_to_the_log(page: Page, rest: Rest, workspace: Workspace) -> None:
    execution_id = rest.run(workspace.id, workspace.commit, "broken")
    page.goto(workspace.execution_path(execution_id))
    execution = ExecutionPage(page)
    execution.shows_status("error")
    problem = page.get_by_role("alert").filter(has_text="a program in it was not found")
    problem.get_by_role("link", name="Read the end of the log").click()
    expect(execution.line("no-such-program").first).to_be_visible()


def test_copy_is_prefilled_and_runs(page: Page, rest: Rest, workspace: Workspace) -> None:
    source = rest.run(
        workspace.id,
        workspace.commit,
        "train",
        title="the first",
        tags=["baseline"],
        parameters={"epochs": 2},
    )
    page.goto(workspace.execution_path(source))
    ExecutionPage(page).shows_status("complete")
    page.get_by_role("link", name="Copy", exact=True).click()
    form = CreateForm(page)
    expect(page.get_by_text("copy of #1")).to_be_visible()
    expect(form.parameter("epochs")).to_have_value("2")
    expect(form.title).to_have_value("the first")
    form.title.fill("the second")
    form.parameter("epochs").fill("4")
    execution = form.create()
    assert execution.id() != source
    execution.shows_status("complete")
    execution.open_tab("Log")
    expect(execution.line("epoch 4 of 4")).to_be_visible()

    page.goto(workspace.path)
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="the second")).to_contain_text("complete")
    expect(rows.filter(has_text="the first")).to_contain_text("complete")


def test_list_follows_without_reload(page: Page, rest: Rest, workspace: Workspace, tmp_path: Path) -> None:
    gate = tmp_path / "go-on"
    rest.wait(rest.run(workspace.id, workspace.commit, "train", title="before"))
    page.goto(workspace.path)
    same_document = keeps_page(page)
    rest.run(workspace.id, workspace.commit, "train", title="from a script", parameters={"go_on": str(gate)})
    row = page.get_by_role("row").filter(has_text="from a script")
    expect(row).to_contain_text("started")
    gate.touch()
    expect(row).to_contain_text("complete")
    expect(same_document).to_have_count(1)


def test_late_viewer_of_a_long_log(page: Page, rest: Rest, workspace: Workspace) -> None:
    execution_id = rest.run(workspace.id, workspace.commit, "chatter")
    assert rest.wait(execution_id, seconds=90)["status"] == "complete"
    page.goto(workspace.execution_path(execution_id) + "#log")
    execution = ExecutionPage(page)
    expect(execution.line("number 99999 of")).to_be_visible(timeout=5_000)
    assert execution.log.locator(".log-row").count() < 300

    page.get_by_role("textbox", name="Go to line").fill("50,000")
    page.keyboard.press("Enter")
    expect(execution.picked).to_have_attribute("data-line", "49999")
    answer = rest.get(f"executions/{execution_id}/log/", first_line=49_999, limit=1)
    expect(execution.picked).to_contain_text(answer["segments"][0]["p"])
    assert answer["total"] > 100_000
    expect(page).to_have_url(re.compile("#log-L50000$"))

    page.get_by_role("searchbox", name="Include messages containing").fill("number 7777")
    expect(page.locator("[data-log=matches]")).to_have_text("11 matches")
    expect(execution.line("number 77779 of")).to_be_visible()
    page.get_by_role("searchbox", name="Exclude messages containing").fill("7777 of")
    expect(page.locator("[data-log=matches]")).to_have_text("9 matches")  # not 7777 and 77777
    page.get_by_role("button", name="Clear", exact=True).click()

    page.get_by_role("button", name="Start").click()
    expect(execution.log.locator("[data-line='0']")).to_be_visible()


def test_link_to_a_line_opens_there(page: Page, rest: Rest, workspace: Workspace) -> None:
    execution_id = rest.run(workspace.id, workspace.commit, "train", parameters={"epochs": 200})
    rest.wait(execution_id)
    lines = rest.lines(execution_id)
    wanted = lines.index("epoch 20 of 200")
    page.goto(f"{workspace.execution_path(execution_id)}#log-L{wanted + 1}")
    execution = ExecutionPage(page)
    expect(execution.picked).to_contain_text("epoch 20 of 200")
    expect(execution.picked).to_be_in_viewport()
