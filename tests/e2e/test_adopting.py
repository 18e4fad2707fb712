"""Adopting a folder of a bucket in a real browser, and looking at what was adopted."""

import json
import struct
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Workspace
from tests.e2e.test_screenshots import keep
from tests.support.rest import Rest
from tests.support.stores import Emulators

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.emulator]

NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": "# Bearings\n<img src=x onerror=\"document.title='hacked'\">"},
        {
            "cell_type": "code",
            "source": "print(loss)",
            "outputs": [
                {"output_type": "stream", "text": "0.25\n"},
                {
                    "output_type": "display_data",
                    "data": {"text/html": "<script>document.title='hacked'</script>"},
                },
            ],
        },
    ],
}


def sound() -> bytes:
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<8000h", *([0] * 8000)))
    return content.getvalue()


@pytest.fixture
def folder(rest: Rest, workspace: Workspace, all_emulators: Emulators) -> str:
    """In a bucket of the project that lets its files be adopted; its address."""
    settings: dict[str, Any] = {
        key: value for key, value in all_emulators.get("s3").settings.items() if key != "sts_endpoint_url"
    }
    body = {
        "name": "measurements",
        "type": "s3",
        "project": workspace.id,
        "configuration": settings,
        "allow_adopt": True,
    }
    rest.post("stores/", body)
    client = boto3.client(
        "s3",
        endpoint_url=settings["endpoint_url"],
        region_name=settings["region"],
        aws_access_key_id=settings["access_key_id"],
        aws_secret_access_key=settings["secret_access_key"],
    )
    files = {"study.ipynb": json.dumps(NOTEBOOK).encode(), "hum.wav": sound()}
    files |= {f"tables/{number}.csv": b"a,b\n1,2\n" for number in range(5)}
    for name, content in files.items():
        client.put_object(Bucket=settings["bucket"], Key=f"{workspace.id}/{name}", Body=content)
    return f"s3://{settings['bucket']}/{workspace.id}/"


def test_a_folder(page: Page, workspace: Workspace, folder: str, artefacts: Path) -> None:
    page.goto(f"{workspace.path}data/")
    page.get_by_role("link", name="Adopt").click()
    expect(page.get_by_text("Nothing was adopted yet")).to_be_visible()
    keep(page, artefacts, "adopt-form")
    page.get_by_label("Addresses, one per line").fill(f"{folder}\n{folder}missing.csv")
    page.get_by_role("button", name="Adopt").click()
    expect(page.locator("#adoption")).to_have_attribute("data-state", "complete", timeout=60_000)
    expect(page.locator("[data-count=adopted]")).to_have_text("7")
    expect(page.locator("[data-count=refused]")).to_have_text("1")
    expect(page.get_by_text(f"Not found in measurements: {folder}missing.csv")).to_be_visible()
    keep(page, artefacts, "adoption")
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_label("Addresses, one per line")).to_have_value(f"{folder}\n{folder}missing.csv")

    page.goto(f"{workspace.path}data/")
    page.locator("[data-preview]", has_text="study.ipynb").click()
    expect(page.locator(".notebook-markdown")).to_contain_text("<img src=x onerror=")
    expect(page.locator(".notebook-code")).to_contain_text("An output of type text/html is not shown.")
    assert page.title() != "hacked"
    keep(page, artefacts, "preview-notebook")
    page.get_by_role("button", name="Close").click()
    page.locator("[data-preview]", has_text="hum.wav").click()
    page.wait_for_function("() => document.querySelector('audio.preview-player')?.duration === 1")
    keep(page, artefacts, "preview-audio")
