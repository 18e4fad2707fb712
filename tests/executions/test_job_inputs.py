"""Inputs of a job: a claim is fast whatever the number of files, and what goes wrong with one is told apart."""

from collections.abc import Callable
from typing import Any

import pytest

from datastores.models import DataStore, Datum
from executions import queue
from executions.agent_api import inputs as pages
from executions.models import Execution
from executions.types import Status
from tests.executions.test_agent_api import WORKER, call, claim, declared
from tests.executions.test_input_queries import make_cloud, make_datums, queries_of, uris_of
from tests.support import factories

pytestmark = pytest.mark.django_db

PAGING = {**WORKER, "facts": {"pages_inputs": True}}
Make = Callable[..., Execution]


@pytest.fixture
def make(project: Any) -> Make:
    commit = factories.make_commit(project)

    def make(*inputs: Any, status: Status = Status.QUEUED) -> Execution:
        return factories.make_execution(project, commit=commit, status=status, inputs=list(inputs))

    return make


def claim_paging(execution: Execution) -> Any:
    return call(execution, "claim", {"worker": PAGING})


def page(execution: Execution, after: Any = None) -> Any:
    return call(execution, "inputs/files", {"after": after})


def all_pages(execution: Execution, after: Any) -> list[dict[str, Any]]:
    """Every answer, from the cursor on."""
    answers = []
    while after is not None:
        answers.append(page(execution, after).json())
        after = answers[-1]["next"]
    return answers


class TestPages:
    def test_a_claim_says_where_they_begin_and_lists_nothing(self, make: Make, project: Any) -> None:
        datums = make_datums(project, 150)
        execution = make(declared("many", *uris_of(datums)), declared("empty", optional=True))
        details = claim_paging(execution).json()
        assert [(entry["name"], entry["files"]) for entry in details["inputs"]] == [
            ("many", []),
            ("empty", []),
        ]
        [only] = all_pages(execution, details["next_files"])
        assert [file["filename"] for file in only["files"]] == [datum.name for datum in datums]
        assert {file["input"] for file in only["files"]} == {"many"}
        assert all(file["url"].startswith("http://testserver/files/") for file in only["files"])

    def test_few_files_come_with_the_claim(self, make: Make, project: Any) -> None:
        [uri] = uris_of(make_datums(project, 1))
        details = claim_paging(make(declared("one", uri), declared("web", "https://h/x"))).json()
        assert details["next_files"] is None
        assert [len(entry["files"]) for entry in details["inputs"]] == [1, 1]

    def test_an_agent_that_does_not_know_pages_gets_everything(self, make: Make, project: Any) -> None:
        details = claim(make(declared("many", *uris_of(make_datums(project, 150))))).json()
        assert len(details["inputs"][0]["files"]) == 150
        assert "next_files" not in details

    def test_every_file_is_in_exactly_one(
        self, make: Make, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "PAGE_FILES", 4)
        datums = make_datums(project, 10)
        gone = "datum://00000000-0000-0000-0000-000000000001"
        execution = make(
            declared("a", *uris_of(datums[:3])),
            declared("missing", *[gone] * 9, optional=True),
            declared("b", *uris_of(datums[3:])),
            status=Status.STARTED,
        )
        answers = all_pages(execution, pages.Cursor().as_json())
        found = [(file["input"], file["filename"]) for answer in answers for file in answer["files"]]
        assert found == [("a" if datum in datums[:3] else "b", datum.name) for datum in datums]
        assert sum(len(answer["left_out"]) for answer in answers) == 9
        assert all(len(answer["files"]) <= 4 for answer in answers)

    def test_a_page_can_be_asked_for_again(self, make: Make, project: Any) -> None:
        execution = make(declared("many", *uris_of(make_datums(project, 3))), status=Status.STARTED)
        first, again = page(execution, [0, 1, 0, ""]).json(), page(execution, [0, 1, 0, ""]).json()
        assert [file["filename"] for file in first["files"]] == ["00001", "00002"]
        assert [file["datum_id"] for file in again["files"]] == [file["datum_id"] for file in first["files"]]

    @pytest.mark.parametrize(
        "after",
        ["x", [], [0, 0, 0], [-1, 0, 0, ""], [True, 0, 0, ""], [0, 0, 0, "\0"], {"a": 1}, [0.5, 0, 0, ""]],
    )
    def test_nonsense_is_refused(self, make: Make, after: Any) -> None:
        assert page(make(declared("a", "https://h/x"), status=Status.STARTED), after).status_code == 400

    def test_behind_the_end_is_nothing(self, make: Make) -> None:
        execution = make(declared("a", "https://h/x"), status=Status.STARTED)
        assert page(execution, [10**30, 10**30, 0, ""]).json() == {"files": [], "left_out": [], "next": None}

    def test_only_while_it_runs(self, make: Make) -> None:
        assert page(make(declared("a", "https://h/x"))).status_code == 409


class TestQueries:
    def test_their_number_does_not_grow_with_that_of_inputs(self, make: Make, project: Any) -> None:
        few, many = (make(declared("a", *uris_of(make_datums(project, count)))) for count in (1, 60))
        assert queries_of(lambda: claim(few)) == queries_of(lambda: claim(many))
        assert queries_of(lambda: page(few)) == queries_of(lambda: page(many))


class TestTrouble:
    @pytest.fixture
    def away(self, project: Any) -> DataStore:
        """Nothing listens at its address."""
        return make_cloud(project, endpoint_url="http://127.0.0.1:9")

    def test_a_store_that_does_not_answer_leaves_it_in_the_queue(self, make: Make, away: DataStore) -> None:
        execution = make(declared("a", "s3://bucket/x"))
        answer = claim(execution)
        assert (answer.status_code, answer.json()["code"]) == (503, "input_unavailable")
        assert int(answer["Retry-After"]) > 0
        execution.refresh_from_db()
        assert (execution.status, execution.epoch) == (Status.QUEUED, 0)
        assert "Input 'a': The store cannot be reached" in execution.waiting_reason

    def test_not_for_ever(self, make: Make, away: DataStore, monkeypatch: pytest.MonkeyPatch) -> None:
        execution = make(declared("a", "s3://bucket/x"))
        monkeypatch.setattr(queue, "FAILING_SECONDS", 0)
        monkeypatch.setattr(queue, "FAILING_TIMES", 2)
        assert claim(execution).status_code == 503
        assert claim(execution).status_code == 409
        execution.refresh_from_db()
        assert execution.status == Status.ERROR
        assert "The store cannot be reached" in execution.error_text

    def test_while_it_runs_the_agent_asks_again(self, make: Make, away: DataStore) -> None:
        execution = make(declared("a", "s3://bucket/*"))
        after = claim_paging(execution).json()["next_files"]
        assert page(execution, after).status_code == 503
        execution.refresh_from_db()
        assert execution.status == Status.STARTED

    def test_what_does_not_heal_ends_it_naming_the_input(self, make: Make) -> None:
        execution = make(declared("a", "s3://nobodys/x"))
        assert claim(execution).status_code == 409
        execution.refresh_from_db()
        assert execution.status == Status.ERROR
        assert execution.error_text.startswith(
            "Input 'a': No data store of this project holds s3://nobodys/x"
        )
        running = make(declared("a", "s3://nobodys/x"), status=Status.STARTED)
        for answer in (page(running), call(running, "inputs")):
            assert answer.status_code == 422
            assert "Input 'a': No data store" in answer.json()["message"]


class TestOptional:
    def test_goes_without_what_is_not_there(self, make: Make, project: Any) -> None:
        [kept, purged] = make_datums(project, 2)
        Datum.objects.filter(pk=purged.pk).update(purged_at=purged.stored_at)
        uris = ["datum://00000000-0000-0000-0000-000000000001", *uris_of([purged, kept])]
        execution = make(declared("a", *uris, optional=True))
        [entry] = claim(execution).json()["inputs"]
        assert [file["filename"] for file in entry["files"]] == [kept.name]
        answer = page(execution).json()
        assert [left["input"] for left in answer["left_out"]] == ["a", "a"]
        assert "purged" in answer["left_out"][1]["why"]

    def test_what_is_needed_ends_it(self, make: Make) -> None:
        execution = make(declared("a", "datum://00000000-0000-0000-0000-000000000001"))
        assert claim(execution).status_code == 409
