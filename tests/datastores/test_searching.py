"""Filters of the data browser and of the list in the API, and pages of files at the edges of what is looked at first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from datastores import listing
from datastores.models import Datum, DatumAlias
from datastores.web import rows
from executions.types import Status
from projects import across
from tests.datastores.data_api import DATA, names
from tests.support import factories

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=["within the window", "beyond it"])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are found the same way whether the newest ones hold the page or not."""
    if request.param == "beyond it":
        monkeypatch.setattr(listing, "WINDOW", 2)
        monkeypatch.setattr(across, "WINDOW", 2)


def stored_at(number: int, project: Any, name: str, **fields: Any) -> Datum:
    """The `number`-th file of the project, an hour after the one before it."""
    datum = factories.make_datum(project, name=name, **fields)
    Datum.objects.filter(pk=datum.pk).update(created_at=START + timedelta(hours=number))
    return datum


@pytest.fixture
def files(project: Any, alice: Any) -> dict[str, Datum]:
    bucket = factories.make_store(name="bucket", kind="s3", is_default=False, configuration={"bucket": "b"})
    training = factories.make_execution(
        project, status=Status.COMPLETE, title="Training of a Detector", tags=["nightly"]
    )
    output = {"output_execution_id": training.pk, "output_execution_counter": training.counter}
    made = [
        stored_at(0, project, "images/Straße-Ägypten.jpg", uploader=alice),
        stored_at(1, project, "images/cat.jpg", tags=["prod"], content=b"x" * 2000),
        stored_at(2, project, "model_100%.pt", **output),
        stored_at(3, project, "notes.txt", store=bucket),
        stored_at(4, project, "zz/readme.md"),
        stored_at(5, project, "zz/other.md"),
    ]
    DatumAlias.objects.create(project=project, name="best-of-all", datum=made[4])
    for _ in range(3):  # the newest ones match nothing
        stored_at(6, project, "aaaa.bin")
    return {datum.name: datum for datum in made}


def browsed(browser: Client, project: Any, **query: Any) -> list[str]:
    answer = browser.get(f"/p/alice/{project.name}/data/", query, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return [row.datum.name for row in answer.context["datums"].rows]


def number_of(files: dict[str, Datum]) -> str:
    return f"#{files['model_100%.pt'].output_execution_counter}"


@pytest.mark.usefixtures("window")
class TestFilters:
    CASES = [
        ({"search": "cat"}, ["images/cat.jpg"]),
        ({"search": "CAT.J"}, ["images/cat.jpg"]),
        ({"search": "ägyp"}, ["images/Straße-Ägypten.jpg"]),
        ({"search": "stra"}, ["images/Straße-Ägypten.jpg"]),
        ({"search": "images jpg"}, ["images/cat.jpg", "images/Straße-Ägypten.jpg"]),
        ({"search": "zz"}, ["zz/other.md", "zz/readme.md"]),
        ({"search": "Z"}, ["zz/other.md", "zz/readme.md"]),
        ({"search": "_"}, ["model_100%.pt"]),
        ({"search": "0%"}, ["model_100%.pt"]),
        ({"search": "100%."}, ["model_100%.pt"]),
        ({"search": "prod"}, ["images/cat.jpg"]),
        ({"search": "pro"}, []),  # tags are meant as a whole
        ({"search": "of-al"}, ["zz/readme.md"]),
        ({"search": "detector"}, ["model_100%.pt"]),
        ({"search": "detector training"}, ["model_100%.pt"]),
        ({"search": "nightly"}, ["model_100%.pt"]),
        ({"search": "xylophone"}, []),
        ({"search": "cat notes"}, []),
        ({"search": "'; DROP TABLE x; --"}, []),
        ({"search": "\\"}, []),
        ({"kind": "outputs"}, ["model_100%.pt"]),
        ({"kind": "nonsense"}, []),
        ({"min_size": "1000"}, ["images/cat.jpg"]),
        ({"min_size": "9" * 30}, []),
        ({"max_size": "many"}, []),
        ({"created_before": "2026-03-01T01:30"}, ["images/cat.jpg", "images/Straße-Ägypten.jpg"]),
        ({"created_after": "2026-03-01T05:00:00+00:00", "search": "zz"}, ["zz/other.md"]),
        ({"created_before": "2026-03-01T05:00:00Z", "search": "zz"}, ["zz/readme.md"]),
        ({"created_after": "2026-03-02"}, []),
        ({"created_after": "2026-02-31"}, []),
    ]  # fmt: skip

    @pytest.mark.parametrize(("query", "found"), CASES)
    def test_of_the_page(
        self, alice_browser: Client, project: Any, files: Any, query: Any, found: list[str]
    ) -> None:
        assert browsed(alice_browser, project, **query) == found

    @pytest.mark.parametrize(("query", "found"), CASES)
    def test_of_the_list(self, api: Any, project: Any, files: Any, query: Any, found: list[str]) -> None:
        assert names(api.get(DATA, {"project": str(project.pk), **query})) == found
        everywhere = names(api.get(DATA, query))
        assert sorted(everywhere) == sorted(found)
        assert api.get(DATA, query).json()["count"] == len(found)

    def test_number_of_the_execution_and_store(self, alice_browser: Client, project: Any, files: Any) -> None:
        assert browsed(alice_browser, project, search=number_of(files)) == ["model_100%.pt"]
        assert browsed(alice_browser, project, store=str(files["notes.txt"].store_id)) == ["notes.txt"]
        assert browsed(alice_browser, project, store="none") == []

    def test_purged_files_are_shown_when_asked_for(
        self, alice_browser: Client, project: Any, files: Any
    ) -> None:
        Datum.objects.filter(pk=files["notes.txt"].pk).update(purged_at=START)
        assert "notes.txt" not in browsed(alice_browser, project)
        assert browsed(alice_browser, project, search="notes") == []
        assert browsed(alice_browser, project, search="notes", purged="1") == ["notes.txt"]

    def test_exact_name_everywhere(self, api: Any, files: Any) -> None:
        assert names(api.get(DATA, {"name": "images/cat.jpg"})) == ["images/cat.jpg"]
        assert names(api.get(DATA, {"name": "cat.jpg"})) == []

    def test_nothing_of_other_projects(self, api: Any, files: Any) -> None:
        theirs = factories.make_execution(status=Status.COMPLETE, title="Detector of somebody else")
        factories.make_datum(
            theirs.project, name="cat-of-others.jpg", output_execution_id=theirs.pk,
            output_execution_counter=theirs.counter,
        )  # fmt: skip
        assert names(api.get(DATA, {"search": "cat"})) == ["images/cat.jpg"]
        assert names(api.get(DATA, {"search": "detector"})) == ["model_100%.pt"]


class TestPages:
    @pytest.fixture
    def numbered(self, project: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.setattr(rows, "PAGE_SIZE", 4)
        for number in range(10):
            # Two of each moment, so that the order among them counts.
            stored_at(number // 2, project, f"{'even' if number % 2 == 0 else 'odd'}-{number}")
        order = Datum.objects.order_by("-created_at", "-pk")
        return list(order.values_list("name", flat=True))

    def walked(self, browser: Client, project: Any, way: str, query: str = "") -> list[list[str]]:
        """The names on each page, following the links of one way to the end."""
        pages = []
        while True:
            answer = browser.get(
                f"/p/alice/{project.name}/data/?{query}", headers={"HX-Request": "true"}
            ).context["datums"]
            pages.append([row.datum.name for row in answer.rows])
            query = getattr(answer, way)
            if not query:
                return pages

    def test_there_and_back(self, alice_browser: Client, project: Any, numbered: list[str]) -> None:
        there = self.walked(alice_browser, project, "next")
        assert there == [numbered[:4], numbered[4:8], numbered[8:]]
        last = Datum.objects.get(name=numbered[7])
        back = self.walked(alice_browser, project, "previous", f"before={last.pk}")
        assert back == [numbered[8:], numbered[4:8], numbered[:4]]

    @pytest.mark.parametrize("window", [1, 3, 100])
    def test_of_a_search(
        self, alice_browser: Client, project: Any, numbered: list[str], window: int, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(listing, "WINDOW", window)
        wanted = [name for name in numbered if name.startswith("even")]
        first = alice_browser.get(
            f"/p/alice/{project.name}/data/?search=even", headers={"HX-Request": "true"}
        ).context["datums"]
        assert [row.datum.name for row in first.rows] == wanted[:4]
        assert (first.total, first.previous) == (5, "")
        assert (
            browsed(alice_browser, project, search="even", before=str(first.rows[-1].datum.pk)) == wanted[4:]
        )

    def test_new_files_move_no_page(self, alice_browser: Client, project: Any, numbered: list[str]) -> None:
        first = alice_browser.get(f"/p/alice/{project.name}/data/", headers={"HX-Request": "true"})
        stored_at(50, project, "newest")
        query = first.context["datums"].next
        second = alice_browser.get(f"/p/alice/{project.name}/data/?{query}", headers={"HX-Request": "true"})
        assert [row.datum.name for row in second.context["datums"].rows] == numbered[4:8]

    def test_a_place_that_is_none_begins_at_the_newest(
        self, alice_browser: Client, project: Any, numbered: list[str]
    ) -> None:
        foreign = factories.make_datum()
        for place in (str(foreign.pk), "nonsense", ""):
            assert browsed(alice_browser, project, before=place) == numbered[:4]
            assert browsed(alice_browser, project, after=place) == numbered[:4]

    def test_many_are_not_counted_out(
        self, alice_browser: Client, project: Any, numbered: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rows, "COUNTED_AT_MOST", 4)
        answer = alice_browser.get(f"/p/alice/{project.name}/data/", headers={"HX-Request": "true"})
        assert "more than 4 files" in answer.content.decode()
        few = alice_browser.get(f"/p/alice/{project.name}/data/?search=odd-1", headers={"HX-Request": "true"})
        assert few.context["datums"].total == 1

    def test_offsets_of_the_list(self, api: Any, project: Any, numbered: list[str]) -> None:
        for ordering, order in (("-ctime", numbered), ("ctime", numbered[::-1])):
            query = {"project": str(project.pk), "limit": 3, "offset": 3, "ordering": ordering}
            assert names(api.get(DATA, query)) == order[3:6]
        query = {"project": str(project.pk), "search": "even", "limit": 2, "offset": 2}
        assert names(api.get(DATA, query)) == [name for name in numbered if name.startswith("even")][2:4]


@pytest.mark.parametrize("query", ["", "search=file", "search=nothing", "kind=uploaded", "min_size=1"])
def test_queries_do_not_grow_with_the_files(alice_browser: Client, project: Any, query: str) -> None:
    address = f"/p/alice/{project.name}/data/?{query}"
    counts = []
    for number in (3, 30):
        for made in range(number):
            factories.make_datum(project, name=f"file-{number}-{made}")
        alice_browser.get(address, headers={"HX-Request": "true"})
        with CaptureQueriesContext(connection) as captured:
            alice_browser.get(address, headers={"HX-Request": "true"})
        counts.append(len(captured))
    assert counts[0] == counts[1]
