"""An owner brings a Slurm cluster, and a member's run in it says what it waits for and where it ran."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import unique_name
from tests.e2e.pages import LoginPage
from tests.e2e.test_organization_resources import House, said
from tests.e2e.test_screenshots import keep
from tests.support.dispatching import DispatcherProcess
from tests.support.factories import PASSWORD
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows
from tests.support.rest import Rest
from tests.support.slurm import Cluster

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slurm]

ROWS = """
olga = factories.make_user("olga-{0}")
house = factories.make_organization("{0}", owners=(olga,))
print(factories.make_project(house, "churn-model", creator=olga).pk)
"""
CODE = {"valohai.yaml": "- step: {name: train, image: none, command: 'echo trained; sleep 600'}\n"}


@pytest.fixture
def house(live_platform: LivePlatform, rest: Rest, open_context: Callable[..., BrowserContext]) -> House:
    name = unique_name("house")
    project_id = write_rows(live_platform, ROWS.format(name))
    rest.import_package(project_id, CODE)
    page = open_context(base_url=live_platform.url).new_page()
    LoginPage(page, live_platform.url).open().log_in(f"olga-{name}", PASSWORD)
    return House(name, project_id, page, page)


@pytest.fixture
def dispatcher(
    house: House, live_platform: LivePlatform, slurm: Cluster, tmp_path: Path
) -> Iterator[DispatcherProcess]:
    """Not started yet."""
    process = DispatcherProcess(live_platform, slurm, tmp_path / "dispatcher", f"{house.name}-hpc")
    yield process
    if process.process is not None:
        process.stop()
        print(process.log())
    slurm.run("scancel", "--user=root")


def test_a_cluster_is_brought_and_runs(
    house: House, dispatcher: DispatcherProcess, slurm: Cluster, rest: Rest, artefacts: Path
) -> None:
    page = house.owner
    create(page, house, dispatcher.queue, artefacts)
    dispatcher.start()
    expect(page.get_by_text("hands jobs over")).to_be_hidden()
    page.wait_for_timeout(2000)
    page.reload()
    expect(page.get_by_text("hands jobs over")).to_be_visible()
    page.locator("#dispatchers").scroll_into_view_if_needed()
    keep(page, artefacts, "organization-slurm-environment")
    slurm.run("scontrol", "update", "PartitionName=batch", "State=DOWN")
    try:
        execution = start(page, house, rest, dispatcher)
        expect(page.get_by_text("the partition is down (PartitionDown)")).to_be_visible()
        keep(page, artefacts, "execution-waits-in-slurm")
    finally:
        slurm.run("scontrol", "update", "PartitionName=batch", "State=UP")
    expect(page.get_by_text("trained").first).to_be_visible()
    page.get_by_role("tab", name="Details").click()
    job = slurm.job_of(execution, "RUNNING")
    facts = page.get_by_role("region", name="Where it ran")
    expect(facts).to_contain_text(re.compile(f"Slurm job\\s*{job['id']}"))
    keep(page, artefacts, "execution-in-slurm")
    rest.post(f"executions/{execution}/stop/", expect=200)
    assert rest.wait(execution)["status"] == "stopped"


def create(page: Page, house: House, slug: str, artefacts: Path) -> None:
    page.goto(house.tab("environments") + "create/")
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Name", exact=True).fill("Cluster")
    page.get_by_label("Its jobs run on").select_option("A Slurm cluster")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(said(page, "Created Cluster")).to_be_visible()
    expect(page.get_by_text("peon dispatch slurm")).to_be_visible()
    page.get_by_label("Partition").fill("batch")
    page.get_by_label("Memory, MB").fill("150")
    page.get_by_label("Further arguments of sbatch").fill("--uid=0")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("--uid may not be set here")).to_be_visible()
    keep(page, artefacts, "organization-slurm-refused")
    page.get_by_label("Further arguments of sbatch").fill("--nice=5")
    page.get_by_role("button", name="Save").first.click()
    expect(said(page, "Saved Cluster")).to_be_visible()


def start(page: Page, house: House, rest: Rest, dispatcher: DispatcherProcess) -> str:
    commit = rest.get(f"projects/{house.project_id}/commits/")
    found = commit["results"] if isinstance(commit, dict) else commit
    execution = rest.run(house.project_id, found[0]["identifier"], "train", environment=dispatcher.queue)
    page.goto(f"/p/{house.name}/churn-model/execution/{execution}/")
    return execution
