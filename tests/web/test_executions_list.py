import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.models import User
from executions.models import Execution
from executions.types import Status
from projects.models import Commit, Project
from tests.support import factories
from tests.web.addresses import page

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.make_commit(project)


def counters(browser: Client, project: Project, query: str = "") -> list[int]:
    """The numbers of the listed executions, in order."""
    answer = browser.get(page("project", project) + query, headers=FRAGMENT)
    assert answer.status_code == 200
    return [execution.counter for execution in answer.context["page"].object_list]


def test_empty_project_teaches_the_next_step(project: Project, alice_browser: Client) -> None:
    text = alice_browser.get(page("project", project)).content.decode()
    assert "Link a repository" in text
    assert f"vh project link {project.full_name}" in text


def test_newest_comes_first_and_deleted_ones_are_gone(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    for _ in range(3):
        factories.make_execution(commit=commit)
    Execution.objects.filter(counter=2).update(deleted_at=commit.created_at)
    assert counters(alice_browser, project) == [3, 1]


def test_filters_are_in_the_address(
    commit: Commit, project: Project, alice_browser: Client, bob: User
) -> None:
    factories.make_execution(commit=commit, status=Status.COMPLETE, title="baseline", tags=["keep"])
    factories.make_execution(commit=commit, status=Status.STARTED, step="evaluate")
    factories.make_execution(commit=commit, status=Status.QUEUED, creator=bob)
    assert counters(alice_browser, project, "?status=complete") == [1]
    assert counters(alice_browser, project, "?status=incomplete") == [3, 2]
    assert counters(alice_browser, project, "?status=complete&status=queued") == [3, 1]
    assert counters(alice_browser, project, "?status=nonsense") == []
    assert counters(alice_browser, project, "?step=evaluate") == [2]
    assert counters(alice_browser, project, "?creator=bob") == [3]
    assert counters(alice_browser, project, "?tag=keep") == [1]
    assert counters(alice_browser, project, "?text=base") == [1]
    assert counters(alice_browser, project, "?text=%233") == [3]
    assert counters(alice_browser, project, f"?text={commit.identifier[:9]}") == [3, 2, 1]
    assert counters(alice_browser, project, "?text=%00&page=99&sort=nonsense") == [3, 2, 1]


def test_metadata_columns_sort_as_numbers_with_gaps_last(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    for accuracy in (0.5, 10, 9):
        factories.make_execution(commit=commit, cumulative_metadata={"a.b accuracy": accuracy})
    factories.make_execution(commit=commit)
    assert counters(alice_browser, project, "?sort=-m:a.b accuracy") == [2, 3, 1, 4]
    assert counters(alice_browser, project, "?sort=m:a.b accuracy") == [1, 3, 2, 4]


def test_chosen_columns_are_remembered(commit: Commit, project: Project, alice_browser: Client) -> None:
    factories.make_execution(
        commit=commit, cumulative_metadata={"loss": 0.123456789}, parameters={"epochs": 7}
    )
    address = page("project", project)
    chosen = alice_browser.get(f"{address}?columns=status&columns=m:loss&columns=p:epochs", headers=FRAGMENT)
    assert chosen["HX-Push-Url"] == address
    text = alice_browser.get(address).content.decode()
    assert "0.12346" in text
    assert [column.name for column in alice_browser.get(address).context["columns"]] == [
        "status",
        "m:loss",
        "p:epochs",
    ]


def test_broken_cookie_means_the_default_columns(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    factories.make_execution(commit=commit)
    alice_browser.cookies[f"columns_{project.pk.hex}"] = "{"
    assert alice_browser.get(page("project", project)).status_code == 200


@pytest.mark.parametrize("rows", [2, 20])
def test_list_asks_a_constant_number_of_queries(
    rows: int, commit: Commit, project: Project, alice_browser: Client
) -> None:
    for _ in range(rows):
        factories.make_execution(commit=commit, tags=["a"], parameters={"x": 1})
    with CaptureQueriesContext(connection) as queries:
        assert (
            len(counters(alice_browser, project, "?columns=status&columns=m:a&columns=p:x&columns=tags"))
            == rows
        )
    assert len(queries) <= 7


def test_selected_executions_are_stopped(commit: Commit, project: Project, alice_browser: Client) -> None:
    running = factories.make_execution(commit=commit, status=Status.STARTED)
    waiting = factories.make_execution(commit=commit, status=Status.CREATED)
    untouched = factories.make_execution(commit=commit, status=Status.STARTED)
    ids = [str(running.pk), str(waiting.pk)]
    answer = alice_browser.post(
        page("executions_bulk", project), {"action": "stop", "id": ids}, headers=FRAGMENT
    )
    events = json.loads(answer["HX-Trigger"])
    assert events["toast"]["message"] == "Asked 2 executions to stop."
    assert events["executionsChanged"]
    for execution in (running, waiting, untouched):
        execution.refresh_from_db()
    assert (running.status, waiting.status, untouched.status) == (
        Status.STOPPING,
        Status.STOPPED,
        Status.STARTED,
    )


def test_what_cannot_be_deleted_is_told_and_the_rest_is_deleted(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    done = factories.make_execution(commit=commit, status=Status.COMPLETE)
    running = factories.make_execution(commit=commit, status=Status.STARTED)
    body = {"action": "delete", "id": [str(done.pk), str(running.pk), "nonsense"]}
    events = json.loads(
        alice_browser.post(page("executions_bulk", project), body, headers=FRAGMENT)["HX-Trigger"]
    )
    assert "Deleted 1 execution." in events["toast"]["message"]
    assert f"#{running.counter}" in events["toast"]["message"]
    assert counters(alice_browser, project) == [running.counter]


def test_stranger_and_foreign_project_change_nothing(
    commit: Commit, project: Project, alice: User, alice_browser: Client, charlie_browser: Client
) -> None:
    execution = factories.make_execution(commit=commit, status=Status.STARTED)
    body = {"action": "stop", "id": [str(execution.pk)]}
    assert charlie_browser.post(page("executions_bulk", project), body, headers=FRAGMENT).status_code == 404
    other = factories.make_project(alice, "other")
    alice_browser.post(page("executions_bulk", other), body, headers=FRAGMENT)
    execution.refresh_from_db()
    assert execution.status == Status.STARTED


def test_bulk_action_without_a_selection_says_so(project: Project, alice_browser: Client) -> None:
    answer = alice_browser.post(page("executions_bulk", project), {"action": "explode"}, headers=FRAGMENT)
    assert json.loads(answer["HX-Trigger"])["toast"]["kind"] == "warning"


def test_a_row_says_why_its_execution_waits(commit: Commit, project: Project, alice_browser: Client) -> None:
    reason = "Environment 'gpu' is full: 1 of 1 place is taken. 3 executions are before it now."
    factories.make_execution(commit=commit, waiting_reason=reason)
    factories.make_execution(commit=commit, status=Status.COMPLETE)
    text = alice_browser.get(page("project", project), headers=FRAGMENT).content.decode()
    assert text.count("row-waiting") == 1
    assert f'title="{escape(reason)}"' in text


def test_alerts_are_a_badge_that_costs_no_query(
    commit: Commit, project: Project, alice_browser: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alice_browser.get(page("project", project), headers=FRAGMENT)
        return len(captured)

    factories.make_execution(project, commit=commit)
    without = queries()
    alert = {"kind": "input_changed", "text": "It has changed.", "time": "2026-01-01T00:00:00Z"}
    factories.make_execution(project, commit=commit, runtime_facts={"alerts": [alert]})
    factories.make_execution(project, commit=commit, runtime_facts={"alerts": [alert, alert]})
    assert queries() == without
    text = alice_browser.get(page("project", project), headers=FRAGMENT).content.decode()
    assert text.count("chip-warning") == 2
    assert 'title="1 alert:' in text
    assert 'title="2 alerts:' in text
