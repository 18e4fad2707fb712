"""The page of one execution: who sees it, what it says, what it costs."""

import html
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from executions.models import Execution
from executions.types import Status
from projects.models import Commit, Project, ProjectVariable
from tests.conftest import browser_of
from tests.support import factories
from tests.web.addresses import page
from tests.web.detail.conftest import address

PAGES = ["execution", "execution_facts", "execution_outputs"]


def text_of(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize("name", PAGES)
def test_nobody_sees_it_without_logging_in(client: Client, run: Execution, name: str) -> None:
    answer = client.get(address(run, name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/auth/login/")


@pytest.mark.parametrize("name", PAGES)
def test_to_a_stranger_it_does_not_exist(charlie_browser: Client, run: Execution, name: str) -> None:
    answer = charlie_browser.get(address(run, name))
    assert answer.status_code == 404
    assert b"Baseline" not in answer.content


@pytest.mark.parametrize("name", PAGES)
def test_it_is_not_found_under_another_project(
    alice: User, alice_browser: Client, run: Execution, name: str
) -> None:
    other = factories.make_project(owner=alice)
    assert alice_browser.get(page(name, other, execution_id=run.pk)).status_code == 404


def test_the_page_needs_no_inline_script_or_style(alice_browser: Client, run: Execution) -> None:
    text = alice_browser.get(address(run)).content.decode()
    scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", text)
    assert all("application/json" in attributes for attributes in scripts)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text)


def test_details_say_everything_about_the_run(alice_browser: Client, run: Execution) -> None:
    text = text_of(alice_browser, address(run))
    for fact in (
        "Baseline",
        "train",
        run.commit.short_identifier,
        "Deeper model",
        "python:3.11",
        "sha256:abc",
        "gpu-node-3",
        "docker",
        "nightly",
        "epochs",
        "after waiting 1m 00s",
        "17m 00s",
        "exit code",
        "by alice",
    ):
        assert fact in text, fact


def test_secrets_stay_on_the_server(alice_browser: Client, project: Project, run: Execution) -> None:
    ProjectVariable.objects.create(project=project, name="DATABASE", value="inherited-secret", secret=True)
    ProjectVariable.objects.create(project=project, name="MODE", value="slow", secret=True)
    text = text_of(alice_browser, address(run))
    assert "API_TOKEN" in text
    assert "DATABASE" in text
    for secret in ("hunter2", "inherited-secret", "fast", "slow"):
        assert f">{secret}<" not in text


@pytest.mark.parametrize("inherits", [True, False])
def test_a_name_that_is_a_secret_elsewhere_is_one_here(
    alice_browser: Client, alice_api: Any, project: Project, commit: Commit, inherits: bool
) -> None:
    ProjectVariable.objects.create(project=project, name="DSN", value="theirs", secret=True)
    own = {"DSN": "typed-for-this-run", "MODE": "fast"}
    execution = factories.make_execution(
        commit=commit, inherit_environment_variables=inherits, environment_variables=own
    )
    assert "typed-for-this-run" not in text_of(alice_browser, address(execution))
    answer = alice_api.get(f"/api/v0/executions/{execution.pk}/")
    assert answer.json()["environment_variables"] == {"DSN": "", "MODE": "fast"}


def test_scripts_begin_with_the_state_of_the_socket(alice_browser: Client, run: Execution) -> None:
    text = alice_browser.get(address(run)).content.decode()
    found = re.search(r'<script id="execution-state" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    state = json.loads(found[1])
    assert (state["status"], state["log_line_count"], state["metadata_count"]) == ("complete", 1_000_000, 7)
    assert state["ended_at"].endswith("Z")


def test_what_a_user_writes_stays_text(alice_browser: Client, commit: Commit) -> None:
    evil = '<img src=x onerror="alert(1)">'
    execution = factories.make_execution(
        commit=commit,
        title=evil,
        status=Status.ERROR,
        error_text=evil,
        status_detail=evil,
        tags=[evil],
        parameters={"p": evil},
        environment_variables={"V": evil},
        inputs=[{"name": "i", "urls": [f"javascript:{evil}"]}],
        cumulative_metadata={evil: f"</script>{evil}"},
        runtime_facts={"host": evil},
    )
    text = alice_browser.get(address(execution)).content.decode()
    assert evil not in text
    assert 'href="javascript:' not in text


def test_a_waiting_execution_says_why(alice_browser: Client, commit: Commit) -> None:
    execution = factories.make_execution(
        commit=commit, status=Status.QUEUED, waiting_reason="No worker serves the queue “gpu”."
    )
    assert "No worker serves the queue “gpu”." in text_of(alice_browser, address(execution))


def test_the_team_whose_quota_counts_is_named_to_those_who_know_the_team(
    alice: User, bob: User, project: Project, commit: Commit
) -> None:
    """Bob collaborates on the project; the team belongs to an organization that is none of his."""
    team = factories.make_team(
        factories.make_organization("house", members=(alice,)), "vision", members=(alice,)
    )
    execution = factories.make_execution(commit=commit, quota_team=team)
    assert "vision" in text_of(browser_of(alice), address(execution))
    assert "vision" not in text_of(browser_of(bob), address(execution))


def test_a_failed_execution_says_why_and_what_next(alice_browser: Client, commit: Commit) -> None:
    execution = factories.make_execution(
        commit=commit, status=Status.ERROR, error_text="Exit code 1.", exit_code=1
    )
    text = text_of(alice_browser, address(execution))
    assert "Exit code 1." in text
    assert "run it again" in text


def test_what_was_left_out_is_said(alice_browser: Client, commit: Commit) -> None:
    facts = {"notices": ["More than 2000 different metadata keys were logged."], "host": "node"}
    text = text_of(alice_browser, address(factories.make_execution(commit=commit, runtime_facts=facts)))
    assert "More than 2000 different metadata keys" in text
    assert "['More" not in text


def test_alerts_are_shown(alice_browser: Client, commit: Commit) -> None:
    text = "The content behind https://example.com/<b> has changed."
    alert = {"kind": "input_changed", "text": text, "time": "2026-01-01T00:00:00Z"}
    execution = factories.make_execution(commit=commit, runtime_facts={"alerts": [alert]})
    shown = alice_browser.get(address(execution)).content.decode()
    assert "The content behind https://example.com/&lt;b&gt; has changed." in shown
    assert "input_changed" not in shown


def test_a_deleted_execution_says_so(alice_browser: Client, run: Execution) -> None:
    Execution.objects.filter(pk=run.pk).update(deleted_at=clock.now())
    assert "was deleted" in text_of(alice_browser, address(run))


def test_a_reader_gets_no_buttons_that_would_be_refused(project: Project, run: Execution) -> None:
    reader = factories.make_user("rita")
    factories.make_collaborator(project, reader, is_read_only=True)
    text = text_of(browser_of(reader), address(run))
    for button in ('id="stop"', 'id="delete"', 'data-title="edit"', "data-remove-tag", "purge-all"):
        assert button not in text
    assert "nightly" in text


def test_inputs_link_to_the_execution_that_made_them(
    alice_browser: Client, project: Project, commit: Commit, run: Execution
) -> None:
    datum = factories.make_datum(
        project, name="model.pkl", output_execution_id=run.pk, output_execution_counter=run.counter
    )
    uris = [f"datum://{datum.pk}", "https://example.com/data.csv", "datum://not-an-id"]
    consumer = factories.make_execution(commit=commit, inputs=[{"name": "weights", "urls": uris}])
    text = text_of(alice_browser, address(consumer))
    assert "model.pkl" in text
    assert f'href="{address(run)}"' in text
    assert 'href="https://example.com/data.csv"' in text
    assert "datum://not-an-id" in text


def test_files_of_projects_that_one_does_not_see_have_no_name(bob_browser: Client, commit: Commit) -> None:
    hidden = factories.make_datum(name="secret-plans.pdf")
    execution = factories.make_execution(
        commit=commit, inputs=[{"name": "plans", "urls": [f"datum://{hidden.pk}"]}]
    )
    text = text_of(bob_browser, address(execution))
    assert str(hidden.pk) in text
    assert "secret-plans" not in text


@pytest.mark.parametrize("files", [1, 30])
def test_the_number_of_queries_does_not_grow_with_inputs(
    alice_browser: Client, project: Project, commit: Commit, files: int
) -> None:
    datums = [
        factories.make_datum(project, output_execution_id=commit.pk, output_execution_counter=1)
        for _ in range(files)
    ]
    execution = factories.make_execution(
        commit=commit, inputs=[{"name": "data", "urls": [f"datum://{datum.pk}" for datum in datums]}]
    )
    alice_browser.get(address(execution))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        alice_browser.get(address(execution))
    assert len(queries) <= 11, [query["sql"][:120] for query in queries]


def test_alerts_are_a_badge_of_the_header(alice_browser: Client, run: Execution) -> None:
    badge = re.compile(r'<a[^>]*id="alert-badge"[^>]*>')
    assert " hidden" in badge.findall(text_of(alice_browser, address(run)))[0]
    alert = {"kind": "input_changed", "text": "It <has> changed.", "time": "2026-01-01T00:00:00Z"}
    Execution.objects.filter(pk=run.pk).update(runtime_facts={"alerts": [alert]})
    text = text_of(alice_browser, address(run))
    assert " hidden" not in badge.findall(text)[0]
    assert '<span class="num">1</span> <span data-word>alert</span>' in text
    assert json.loads(re.search(r'id="execution-state"[^>]*>(.*?)</script>', text)[1])["alert_count"] == 1
