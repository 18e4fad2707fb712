"""The owner of an organization adds machines to an environment, sees them, and takes one away."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.e2e.conftest import unique_name
from tests.e2e.pages import LoginPage
from tests.e2e.test_screenshots import LOOKS, keep
from tests.support.agent_build import packed_agent
from tests.support.factories import PASSWORD
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows

pytestmark = [pytest.mark.live, pytest.mark.browser]

ROWS = """
olga = factories.make_user("olga-{0}")
house = factories.make_organization("{0}", owners=(olga,))
print(factories.make_environment("{0}-gpu", name="GPU boxes", owner=house.owner).pk)
"""


def enrol(url: str, token: str, host: str) -> dict[str, str]:
    answer = httpx.post(
        f"{url}/api/agent/v1/enrol", json={"token": token, "host": {"name": host}}, trust_env=False
    )
    worker: dict[str, str] = answer.raise_for_status().json()["workers"][0]
    return worker


def hello(url: str, worker: dict[str, str], host: str, boot: str) -> int:
    said = {
        "worker": {"identity": worker["identity"], "host": host, "agent_version": "0.1.0", "runtime": "docker", "queues": [], "facts": {}},
        "presence": {"instance": boot, "boot_id": boot, "turn": 1},
    }  # fmt: skip
    headers = {"Authorization": f"Worker {worker['identity']}.{worker['secret']}"}
    return httpx.post(
        f"{url}/api/agent/v1/worker/hello", json=said, headers=headers, trust_env=False
    ).status_code


def keep_section(section: Locator, artefacts: Path, name: str) -> None:
    """The page as it is, and the section that lies below its fold."""
    keep(section.page, artefacts, name)
    for size, scheme in LOOKS:
        section.page.set_viewport_size(size)
        section.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        section.screenshot(
            path=artefacts / f"{name}-section-{size['width']}-{scheme}.png", animations="disabled"
        )


def test_a_machine_is_added_seen_and_revoked(
    live_platform: LivePlatform, open_context: Callable[..., BrowserContext], artefacts: Path
) -> None:
    (live_platform.data / "agent-build").mkdir(exist_ok=True)
    shutil.copy(packed_agent(), live_platform.data / "agent-build")
    name = unique_name("house")
    write_rows(live_platform, ROWS.format(name))
    page = open_context(base_url=live_platform.url).new_page()
    LoginPage(page, live_platform.url).open().log_in(f"olga-{name}", PASSWORD)
    address = f"/organizations/{name}/environments/{name}-gpu/"
    page.goto(address)
    machines = page.locator("#machines")
    machines.get_by_label("For").select_option(label="ten machines")
    machines.get_by_role("button", name="Add a machine").click()
    command = machines.locator("#install-command")
    expect(command).to_contain_text("/agent/install.sh | sudo sh -s -- --token peon-")
    keep_section(machines, artefacts, "environment-add-a-machine")
    found = re.search(r"peon-[0-9a-f]{40}", command.inner_text())
    assert found
    workers = [enrol(live_platform.url, found[0], host) for host in ("rack-1-node-7.example.com", "old-box")]
    assert [hello(live_platform.url, worker, "rack-1", "boot") for worker in workers] == [200, 200]
    assert hello(live_platform.url, workers[0], "copied-machine", "other") == 409
    page.goto(address)
    expect(machines.get_by_text("Refused on copied-machine")).to_be_visible()
    expect(machines.get_by_text("2 of 10")).to_be_visible()
    keep_section(machines, artefacts, "environment-machines")
    row = machines.get_by_role("row").filter(has_text=workers[1]["identity"])
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status").filter(has_text="takes no more jobs")).to_be_visible()
    expect(machines.get_by_text(workers[1]["identity"])).to_have_count(0)
    assert hello(live_platform.url, workers[1], "old-box", "boot") == 401
