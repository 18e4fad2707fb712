"""The page of an environment while its machines come and go."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.rest import Rest

pytestmark = [pytest.mark.live, pytest.mark.browser]
PATIENCE_MS = 90_000


@pytest.fixture
def slug(rest: Rest) -> Iterator[str]:
    slug = f"scaled-{time.time_ns()}"
    template = {"runtime": "process"}
    rest.post(
        "environments/", {"slug": slug, "name": "Scaled", "provider": "local", "machine_template": template}
    )
    yield slug
    rest.patch(f"environments/{slug}/", {"scale_min": 0, "scale_max": 0})
    deadline = time.monotonic() + 90
    while rest.get(f"environments/{slug}/machines/")["results"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_the_minimum_is_raised_a_machine_comes_and_is_drained(page: Page, slug: str):
    page.goto(f"/environments/{slug}/")
    expect(page.get_by_text("None now.")).to_be_visible()
    page.get_by_label("Least machines").fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("cannot be below the minimum of 9")).to_be_visible()
    page.get_by_label("Least machines").fill("1")
    page.get_by_role("button", name="Save").click()

    machine = page.get_by_role("row").filter(has=page.get_by_role("button", name="Drain machine"))
    expect(machine.get_by_text("idle", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Starts 1 machine: the minimum is 1, 0 of at most 5 run.")).to_be_visible()
    name = machine.locator(".mono").first.inner_text()

    machine.get_by_role("button", name="Cordon machine").click()
    expect(page.get_by_text("takes no new jobs")).to_be_visible()
    expect(page.get_by_role("button", name=f"Let machine {name} take jobs again")).to_be_visible()

    page.get_by_role("button", name=f"Drain machine {name}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("ends when the running one has")).to_be_visible()
    dialog.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("drained by").first).to_be_visible()
    ended = page.get_by_role("row").filter(has_text=name).filter(has_text="gone")
    expect(ended).to_be_visible(timeout=PATIENCE_MS)
    expect(machine.get_by_text("idle", exact=True)).to_be_visible(timeout=PATIENCE_MS)
