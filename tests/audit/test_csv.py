"""The log as a file: all rows that match, streamed, and harmless to spreadsheets."""

import csv
import io
from typing import Any

import pytest

from accounts.models import User
from audit import selectors
from common.rest.downloads import harmless
from organizations.models import Organization
from tests.audit.conftest import Write

pytestmark = pytest.mark.django_db


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "path", ["/api/v0/audit-events/csv/?organization=acme", "/organizations/acme/audit/csv/?"]
)
def test_the_filter_counts(
    alice: User, alice_api: Any, alice_browser: Any, acme: Organization, write: Write, path: str
) -> None:
    write("project.renamed", acme, actor=alice, before={"name": "a"}, after={"name": "b"})
    write("team.created", acme, actor=alice)
    client = alice_api if path.startswith("/api") else alice_browser
    answer = client.get(f"{path}&kind=project")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    (row,) = table(answer)
    assert (row["Event"], row["Actor"], row["Before"], row["After"]) == (
        "project.renamed",
        "alice",
        '{"name": "a"}',
        '{"name": "b"}',
    )
    assert row["IP address"] == "192.0.2.77"


def test_all_rows_come_however_many(
    alice: User, alice_api: Any, acme: Organization, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "_AT_ONCE", 3)
    for number in range(10):
        write("thing.changed", acme, name=f"row {number}")
    rows = table(alice_api.get("/api/v0/audit-events/csv/?organization=acme"))
    assert [row["Subject"] for row in rows] == [f"row {number}" for number in reversed(range(10))]


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        '=HYPERLINK("http://evil.example.com")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "=cmd|' /C calc'!A0",
    ],
)
def test_nothing_begins_a_formula(alice_api: Any, acme: Organization, write: Write, name: str) -> None:
    write("thing.changed", acme, name=name)
    (row,) = table(alice_api.get("/api/v0/audit-events/csv/?organization=acme"))
    assert row["Subject"] == f"'{name}"


@pytest.mark.parametrize("name", ['plain "quoted", text', "two\nlines", "ünïcode", ";semicolon", "a=b"])
def test_everything_else_comes_as_it_is(alice_api: Any, acme: Organization, write: Write, name: str) -> None:
    write("thing.changed", acme, name=name)
    (row,) = table(alice_api.get("/api/v0/audit-events/csv/?organization=acme"))
    assert row["Subject"] == name


def test_harmless_leaves_plain_text_alone() -> None:
    assert [harmless(text) for text in ("", "a", "1", " =1")] == ["", "a", "1", " =1"]
