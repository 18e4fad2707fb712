"""Uploads from a real browser straight into a bucket: a folder, and a large file that is interrupted by a reload."""

import os
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Complaints, Workspace
from tests.support.rest import Rest
from tests.support.stores import Emulators

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.emulator]

MEBIBYTE = 1024 * 1024


@pytest.fixture
def bucket(rest: Rest, workspace: Workspace, all_emulators: Emulators) -> str:
    """A store of the project, and where its outputs and uploads go. Its id."""
    settings = {k: v for k, v in all_emulators.get("s3").settings.items() if k != "sts_endpoint_url"}
    body = {"name": "bucket", "type": "s3", "project": workspace.id, "configuration": settings}
    store = rest.post("stores/", body)
    rest.patch(f"projects/{workspace.id}/", {"upload_store_id": store["id"]})
    assert rest.post(f"stores/{store['id']}/test/", expect=200)["ok"]
    return str(store["id"])


def open_upload(page: Page, workspace: Workspace) -> None:
    page.goto(f"{workspace.path}data/")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Upload files")).to_be_visible()


def test_a_folder(page: Page, workspace: Workspace, bucket: str, rest: Rest, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "deep").mkdir(parents=True)
    for number in range(12):
        (folder / ("deep" if number % 2 else ".") / f"{number}.txt").write_text(f"file {number}")
    open_upload(page, workspace)
    page.locator("#upload-folder").set_input_files(folder)
    expect(page.locator("#upload-summary")).to_contain_text("12 uploaded")
    stored = rest.get("data/", project=workspace.id)["results"]
    assert {row["store"] for row in stored} == {bucket}
    assert sorted(row["name"] for row in stored)[:2] == ["images/0.txt", "images/10.txt"]
    assert sum(row["name"].startswith("images/deep/") for row in stored) == 6


def drop(page: Page, target: str, *paths: Path) -> None:
    """As if somebody let go of files and folders of their desktop over it: the browser itself makes the list of entries."""
    box = page.locator(target).bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
    session.detach()


def test_folders_and_files_that_are_dropped(
    page: Page, workspace: Workspace, bucket: str, rest: Rest, tmp_path: Path
) -> None:
    folder = tmp_path / "dropped"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "empty").mkdir()
    for number in range(110):  # a reader of entries gives a hundred at a time
        (folder / "deep" / f"{number}.txt").write_text(f"file {number}")
    (folder / "deep" / "deeper" / "last.txt").write_text("last")
    (folder / "Ünïcode name.txt").write_text("unicode")
    single = tmp_path / "single.txt"
    single.write_text("beside the folder")
    open_upload(page, workspace)
    drop(page, "#drop-zone", folder, single)
    expect(page.locator("#upload-summary")).to_contain_text("113 uploaded", timeout=180_000)
    stored = {row["name"]: row for row in rest.get("data/", project=workspace.id, limit=200)["results"]}
    assert {row["store"] for row in stored.values()} == {bucket}
    expected = {f"dropped/deep/{number}.txt" for number in range(110)}
    expected |= {"dropped/deep/deeper/last.txt", "dropped/Ünïcode name.txt", "single.txt"}
    assert set(stored) == expected
    assert stored["dropped/deep/deeper/last.txt"]["size"] == 4


def test_a_large_file_goes_on_after_a_reload(
    page: Page, workspace: Workspace, bucket: str, rest: Rest, tmp_path: Path, complaints: Complaints
) -> None:
    large = tmp_path / "model.bin"
    large.write_bytes(os.urandom(MEBIBYTE) * 70)  # three parts
    sent: list[int] = []
    reloaded = threading.Event()
    complaints.expect("net::ERR_FAILED")

    def watch(route: Route) -> None:
        number = int(parse_qs(urlsplit(route.request.url).query)["partNumber"][0])
        sent.append(number)
        if number < 3 or reloaded.is_set():
            route.continue_()
        else:
            route.abort()

    page.route("**/*partNumber=*", watch)
    open_upload(page, workspace)
    page.locator("#upload-files").set_input_files(large)
    page.wait_for_function(
        "() => Object.keys(localStorage).some((key) => key.startsWith('upload:') && JSON.parse(localStorage[key]).sent.length === 2)"
    )
    page.on("dialog", lambda dialog: dialog.accept())
    before = list(sent)
    assert {1, 2} <= set(before)
    reloaded.set()
    open_upload(page, workspace)
    page.locator("#upload-files").set_input_files(large)
    expect(page.locator("#upload-summary")).to_contain_text("1 uploaded", timeout=60_000)
    assert not {1, 2} & set(sent[len(before) :]), "what had arrived is not sent again"
    [row] = rest.get("data/", project=workspace.id)["results"]
    assert (row["name"], row["size"], row["store"]) == ("model.bin", 70 * MEBIBYTE, bucket)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('upload:'))") == []


def test_a_store_that_is_busy_for_a_moment_and_one_that_refuses(
    page: Page, workspace: Workspace, bucket: str, rest: Rest, tmp_path: Path, complaints: Complaints
) -> None:
    for name in ("fine.txt", "busy.txt", "refused.txt"):
        (tmp_path / name).write_text(name)
    asked: list[str] = []
    complaints.expect("503")
    complaints.expect("400")
    places: dict[str, str] = {}

    def reserve(route: Route) -> None:
        reserved = route.fetch()
        places[reserved.json()["url"]] = route.request.post_data_json["name"]
        route.fulfill(response=reserved)

    def answer(route: Route) -> None:
        name = places[route.request.url]
        asked.append(name)
        if name == "busy.txt" and asked.count(name) < 3:
            route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"})
        elif name == "refused.txt":
            route.fulfill(status=400, headers={"Access-Control-Allow-Origin": "*"})
        else:
            route.continue_()

    page.route("**/api/v0/data/uploads/", reserve)
    page.route("**/*X-Amz-Signature=*", answer)
    open_upload(page, workspace)
    page.locator("#upload-files").set_input_files(
        [tmp_path / name for name in ("fine.txt", "busy.txt", "refused.txt")]
    )
    expect(page.locator("#upload-summary")).to_contain_text("2 uploaded · 1 failed", timeout=60_000)
    expect(page.locator(".upload-item.is-failed")).to_contain_text("refused.txt")
    expect(page.locator(".upload-item.is-failed")).to_contain_text("The store answered 400.")
    assert asked.count("busy.txt") == 3
    names = {row["name"] for row in rest.get("data/", project=workspace.id)["results"]}
    assert names == {"fine.txt", "busy.txt"}
