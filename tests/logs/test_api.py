"""The endpoints of logs and metadata, in the shapes that the official clients read."""

import json
import re

import pytest
from rest_framework.test import APIClient

from executions.logs import sealing
from executions.logs.ingest import fold_events
from executions.models import Execution
from executions.types import Status
from peon.protocol import events
from projects.models import Project
from tests.logs.agent import Agent
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(execution: Execution) -> str:
    return f"/api/v0/executions/{execution.pk}/"


def body_of(response: object) -> object:
    if getattr(response, "streaming", False):
        return json.loads(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    return response.json()  # type: ignore[attr-defined]


def text_of(response: object) -> str:
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def test_events_as_the_official_client_reads_them(api: APIClient, base: str, agent: Agent) -> None:
    agent.say("hello", "hello")
    agent.say("oops", kind=events.STDERR)
    agent.say("done", kind=events.STATUS)
    body = body_of(api.get(base + "events/"))
    assert {k: body[k] for k in ("total", "truncated", "limit")} == {
        "total": 4,
        "truncated": False,
        "limit": 2000,
    }  # type: ignore[index]
    found = body["events"]  # type: ignore[index]
    assert [(e["stream"], e["message"]) for e in found] == [
        ("stdout", "hello"), ("stdout", "hello"), ("stderr", "oops"), ("status", "done"),
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", e["time"]) for e in found)
    assert found[0]["time"] != found[1]["time"]


@pytest.mark.parametrize(
    ("query", "count", "truncated"),
    [("", 2000, True), ("?limit=100", 100, True), ("?limit=0", 12_000, False), ("?limit=nonsense", 2000, True),
     ("?limit=11999", 11_999, True), ("?limit=-5", 12_000, False), ("?limit=99999", 12_000, False)],
)  # fmt: skip
def test_limits_of_events(
    api: APIClient, base: str, agent: Agent, query: str, count: int, truncated: bool
) -> None:
    for start in range(0, 12_000, 3000):
        agent.say(*(f"line {n}" for n in range(start, start + 3000)))
    fold_events(agent.execution.pk)
    body = body_of(api.get(base + "events/" + query))
    found = body["events"]  # type: ignore[index]
    assert (body["total"], body["truncated"], len(found)) == (12_000, truncated, count)  # type: ignore[index]
    assert found[-1]["message"] == "line 11999"
    assert found[0]["message"] == f"line {12_000 - count}"


def test_status_events_are_the_first_ones(api: APIClient, base: str, agent: Agent) -> None:
    for number in range(5):
        agent.say(f"phase {number}", kind=events.STATUS)
        agent.say("output")
    body = body_of(api.get(base + "status-events/?limit=3"))
    assert [e["message"] for e in body["status_events"]] == ["phase 0", "phase 1", "phase 2"]  # type: ignore[index]
    assert all(e["stream"] == "status" for e in body["status_events"])  # type: ignore[index]


def test_log_by_line_number(api: APIClient, base: str, agent: Agent) -> None:
    agent.say("a", "b", "c")
    agent.say("d", kind=events.STDERR)
    assert body_of(api.get(base + "log/?first_line=1&limit=3")) == {
        "total": 4,
        "first_line": 1,
        "segments": [
            {"k": "o", "t": 1800000000000001, "p": "b\nc"},
            {"k": "e", "t": 1800000000000003, "p": "d"},
        ],
    }
    assert body_of(api.get(base + "log/?first_line=-1"))["first_line"] == 3  # type: ignore[index]
    assert body_of(api.get(base + "log/?first_line=100"))["segments"] == []  # type: ignore[index]
    assert body_of(api.get(base + "log/?first_line=-100"))["first_line"] == 0  # type: ignore[index]


def test_search(api: APIClient, base: str, agent: Agent) -> None:
    agent.say("Loss 1", "noise", "loss 2")
    body = body_of(api.get(base + "log/search/?include=LOSS&exclude=2&streams=o,s"))
    assert body == {
        "lines": [{"number": 0, "time": 1800000000000000, "stream": "stdout", "message": "Loss 1"}],
        "next_after": 2,
        "finished": True,
    }


def test_download_of_a_running_and_of_a_sealed_log(api: APIClient, base: str, agent: Agent) -> None:
    agent.say("käse", "two")
    response = api.get(base + "log/download/")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert text_of(response) == "käse\ntwo\n"
    agent.finish()
    fold_events(agent.execution.pk)
    sealing.seal(agent.execution.pk)
    assert text_of(api.get(base + "log/download/?timestamps=1")).startswith(
        "2027-01-15T08:00:00.000000 stdout käse\n"
    )


def test_metadata_events_series_and_csv(api: APIClient, base: str, agent: Agent) -> None:
    agent.say('{"loss": 2, "epoch": 0}', '{"loss": 1, "epoch": 1}')
    fold_events(agent.execution.pk)
    assert body_of(api.get(base + "metadata/")) == [
        {"loss": 2, "epoch": 0, "_time": "2027-01-15T08:00:00.000000"},
        {"loss": 1, "epoch": 1, "_time": "2027-01-15T08:00:00.000001"},
    ]
    assert [e["epoch"] for e in body_of(api.get(base + "metadata/?first=-1"))] == [1]  # type: ignore[attr-defined]
    body = body_of(api.get(base + "metadata/series/?keys=loss&x=epoch&points=100"))
    assert body["series"] == {"loss": {"x": [0, 1], "y": [2, 1], "count": 2}}  # type: ignore[index]
    assert body["keys"] == ["epoch", "loss"]  # type: ignore[index]
    assert text_of(api.get(base + "metadata/csv/")).split("\r\n")[0] == "_time,epoch,loss"


def test_csv_of_many_by_a_get_with_a_body(api: APIClient, execution: Execution, agent: Agent) -> None:
    agent.say('{"loss": 2}')
    fold_events(execution.pk)
    other = factories.make_execution(execution.project, status=Status.COMPLETE, title="second")
    address = "/api/v0/executions/multi_download_metadata_csv/"
    ids = [str(execution.pk), str(other.pk)]
    expected = "execution_id,execution_title,execution_counter,_time,loss"
    by_body = text_of(api.generic("GET", address, json.dumps({"ids": ids}), content_type="application/json"))
    assert by_body.split("\r\n")[0] == expected
    assert by_body.split("\r\n")[1] == f"{execution.pk},,1,2027-01-15T08:00:00.000000,2"
    assert text_of(api.post(address, {"ids": ids})) == by_body
    assert text_of(api.get(address, {"ids": ids})) == by_body
    assert text_of(api.get(address, {"ids": ",".join(ids)})) == by_body
    assert api.post(address, {"ids": 5}).status_code == 400


def test_resource_use(api: APIClient, base: str, agent: Agent) -> None:
    agent.report(events.STATS, values={"cpu_usage": 0.5})
    fold_events(agent.execution.pk)
    body = body_of(api.get(base + "stats/"))
    assert body["latest"]["cpu_usage"] == 0.5  # type: ignore[index]
    assert body["samples"] == [  # type: ignore[index]
        {
            "start_time": "2027-01-15T08:00:00.000000Z",
            "end_time": "2027-01-15T08:02:00.000000Z",
            "n_entries": 1,
            "values": {"cpu_usage": {"min": 0.5, "avg": 0.5, "max": 0.5}},
        }
    ]


PATHS = (
    "events/", "status-events/", "log/", "log/search/", "log/download/", "stats/", "metadata/", "metadata/series/",
    "metadata/csv/",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_stranger_finds_nothing(
    charlie_api: APIClient, anonymous_api: APIClient, base: str, path: str
) -> None:
    assert charlie_api.get(base + path).status_code == 404
    assert anonymous_api.get(base + path).status_code in {401, 403}


def test_stranger_gets_no_csv_of_many(charlie_api: APIClient, execution: Execution) -> None:
    address = "/api/v0/executions/multi_download_metadata_csv/"
    assert charlie_api.post(address, {"ids": [str(execution.pk)]}).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_an_execution_that_said_nothing_has_empty_answers(
    api: APIClient, project: Project, path: str
) -> None:
    execution = factories.make_execution(project, status=Status.QUEUED)
    assert api.get(f"/api/v0/executions/{execution.pk}/{path}").status_code == 200


def test_by_number_and_latest(api: APIClient, execution: Execution, agent: Agent) -> None:
    agent.say("one")
    for reference in (f"{execution.project_id}:{execution.counter}", f"{execution.project_id}:latest"):
        assert body_of(api.get(f"/api/v0/executions/{reference}/events/"))["total"] == 1  # type: ignore[index]
