"""A superuser says who starts an environment's machines, and sees at once what is missing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import unique_name
from tests.e2e.pages import LoginPage
from tests.e2e.test_screenshots import keep
from tests.support.factories import PASSWORD
from tests.support.live import LivePlatform
from tests.support.live_rows import write_rows

pytestmark = [pytest.mark.live, pytest.mark.browser]

ROWS = """
factories.make_user("root-{0}", is_superuser=True, is_staff=True)
print(factories.make_environment("{0}", name="GPU machines in Ireland", scale_max=0).pk)
"""
TEMPLATE = {
    "region": "eu-west-1",
    "subnets": ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
    "security_groups": ["sg-0123456789abcdef0"],
    "instance_types": ["g5.xlarge"],
    "image": "ami-0123456789abcdef0",
}


def test_amazon_is_chosen_and_what_is_missing_is_told(
    live_platform: LivePlatform, open_context: Callable[..., BrowserContext], artefacts: Path
) -> None:
    slug = unique_name("ireland")
    write_rows(live_platform, ROWS.format(slug))
    page = open_context(base_url=live_platform.url).new_page()
    LoginPage(page, live_platform.url).open().log_in(f"root-{slug}", PASSWORD)
    page.goto(f"/environments/{slug}/")
    page.get_by_role("link", name="Provider").click()
    page.get_by_label("Who starts machines").select_option("aws")
    page.get_by_label("Machine template").fill('{"region": "Ireland"}')
    page.get_by_role("button", name="Save").click()
    expect(
        page.get_by_text("The setting 'region' does not look like one, such as eu-west-1.")
    ).to_be_visible()
    page.get_by_label("Machine template").fill(json.dumps(TEMPLATE))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="What the cloud says")).to_be_visible()
    expect(page.get_by_text("No access keys are stored for the environment")).to_be_visible()
    expect(page.get_by_label("Secret access key")).to_be_visible()
    expect(page.get_by_text("ec2:TerminateInstances")).to_be_visible()
    page.wait_for_timeout(400)
    keep(page, artefacts, "environment-provider")
