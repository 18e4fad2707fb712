"""The workers' API: only the token of this attempt opens it, and exactly one worker gets the job."""

import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.redis import client as redis_client
from datastores.models import Datum
from environments.models import Worker
from executions import queue
from executions.models import Execution
from executions.types import Status
from peon.protocol import keys
from projects.models import ProjectVariable
from tests.support import factories

pytestmark = pytest.mark.django_db

WORKER = {
    "identity": "host-1",
    "host": "host",
    "agent_version": "1",
    "runtime": "process",
    "queues": ["local"],
    "facts": {},
}


def call(execution: Execution, action: str, body: Any = None, *, epoch: int | None = None, token: str | None = None,
         method: str = "post") -> Any:  # fmt: skip
    epoch = execution.epoch if epoch is None else epoch
    token = queue.job_token(execution.pk, epoch) if token is None else token
    send = getattr(Client(), method)
    extra = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
    url = f"/api/agent/v1/jobs/{execution.pk}/{epoch}/{action}"
    return send(url, headers={"Authorization": f"Job {token}"}, **extra)


def claim(execution: Execution, identity: str = "host-1", **how: Any) -> Any:
    return call(execution, "claim", {"worker": {**WORKER, "identity": identity}}, **how)


@pytest.fixture
def commit(project):
    return factories.make_commit(project)


@pytest.fixture
def make(project, commit):
    def make(status: Status = Status.QUEUED, **fields: Any) -> Execution:
        return factories.make_execution(project, commit=commit, status=status, **fields)

    return make


@pytest.fixture
def dataset(project):
    return factories.make_datum(project, b"a,b\n1,2\n", name="folder/data.csv", properties={"kind": "table"})


def declared(name: str, *urls: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "urls": list(urls), "keep_directories": "none", "filename": None, "download": "always",
            "optional": False, **options}  # fmt: skip


class TestToken:
    @pytest.mark.parametrize("action", ["claim", "uploads", "inputs", "input-request", "status-detail"])
    @pytest.mark.parametrize("token", ["", "wrong", "ä"])
    def test_without_the_right_one_nothing_happens(self, make, action, token):
        execution = make()
        answer = call(execution, action, {"worker": WORKER}, token=token)
        assert answer.status_code == 401
        assert set(answer.json()) == {"message", "detail", "code"}
        execution.refresh_from_db()
        assert execution.status == Status.QUEUED

    def test_that_of_another_attempt_or_execution_is_wrong(self, make):
        execution, other = make(), make()
        for token in (
            queue.job_token(execution.pk, execution.epoch + 1),
            queue.job_token(other.pk, other.epoch),
        ):
            assert claim(execution, token=token).status_code == 401

    def test_a_users_token_is_of_no_use_here(self, make, alice_api):
        execution = make()
        answer = alice_api.post(
            f"/api/agent/v1/jobs/{execution.pk}/{execution.epoch}/claim", {"worker": WORKER}
        )
        assert answer.status_code == 401


class TestClaim:
    def test_starts_the_execution_and_says_everything(self, make, dataset, project, commit, alice):
        ProjectVariable.objects.create(project=project, name="SECRET", value="s3cret", secret=True)
        ProjectVariable.objects.create(project=project, name="MODE", value="project", secret=False)
        execution = make(
            inputs=[
                declared("dataset", f"datum://{dataset.pk}"),
                declared("kept", f"datum://{dataset.pk}", keep_directories="full"),
                declared(
                    "named", "https://example.com/x/y.bin?a=1", filename="model.bin", download="on-demand"
                ),
                declared("empty", optional=True),
            ],
            parameters={"epochs": 3},
            environment_variables={"MODE": "own", "VH_JOB_ID": "forged"},
            time_limit_seconds=60,
            no_output_timeout_seconds=5,
            title="a title",
            tags=["t"],
        )
        details = claim(execution).json()
        execution.refresh_from_db()
        assert execution.status == Status.STARTED
        assert execution.worker_identity == "host-1"
        assert execution.started_at is not None
        assert details["execution_id"] == str(execution.pk)
        assert details["epoch"] == execution.epoch
        assert details["project_name"] == f"alice/{project.name}"
        assert details["command"] == execution.interpolated_command
        assert details["environment_variables"] == {
            "SECRET": "s3cret", "MODE": "own", "VH_JOB_ID": f"exec-{execution.pk}",
            "VH_EXECUTION_ID": str(execution.pk), "VH_PROJECT_ID": str(project.pk),
        }  # fmt: skip
        assert details["code"]["identifier"] == commit.identifier
        assert details["code"]["sha256"] == commit.archive_sha256
        assert details["limits"] == {
            "time_limit_seconds": 60, "no_output_timeout_seconds": 5, "stop_grace_seconds": 30, "log_lines_per_second": 0,
        }  # fmt: skip
        assert details["lease"] == {"seconds": 15, "heartbeat_seconds": 2}
        assert details["config"]["parameters"] == {"epochs": 3}
        config = details["config"]["execution"]
        assert config["valohai.execution-status"] == "created"
        assert config["valohai.project-name"] == f"alice/{project.name}"
        assert config["valohai.execution-ctime"].endswith("+00:00")
        assert config["valohai.creator-id"] == alice.pk
        by_name = {entry["name"]: entry for entry in details["inputs"]}
        file = by_name["dataset"]["files"][0]
        assert (file["filename"], file["datum_id"], file["size"]) == ("data.csv", str(dataset.pk), 8)
        assert file["sha256"] == dataset.sha256
        assert file["metadata"] == [{"kind": "table"}]
        assert by_name["kept"]["files"][0]["filename"] == "folder/data.csv"
        assert by_name["named"]["files"][0]["filename"] == "model.bin"
        assert by_name["named"]["files"][0]["url"] == "https://example.com/x/y.bin?a=1"
        assert by_name["named"]["download"] == "on-demand"
        assert by_name["empty"]["files"] == []
        assert "input_id" not in by_name["empty"]
        assert Worker.objects.get().identity == "host-1"

    def test_addresses_use_the_host_the_agent_used_and_need_no_token(self, make, dataset):
        details = claim(make(inputs=[declared("dataset", f"datum://{dataset.pk}")])).json()
        for url in (details["code"]["url"], details["inputs"][0]["files"][0]["url"]):
            assert url.startswith("http://testserver/")
            assert Client().get(url.removeprefix("http://testserver")).status_code == 200
        entry = details["config"]["api"]["set_status_detail"]
        assert set(entry) == {"method", "url", "headers"}
        assert "?" not in entry["url"]

    def test_project_variables_only_when_inherited(self, make, project):
        ProjectVariable.objects.create(project=project, name="SECRET", value="s3cret", secret=True)
        details = claim(make(inherit_environment_variables=False)).json()
        assert "SECRET" not in details["environment_variables"]

    def test_the_same_worker_may_ask_again_and_no_other(self, make):
        execution = make()
        first = claim(execution)
        again = claim(execution)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.json()["execution_id"] == first.json()["execution_id"]
        other = claim(execution, "host-2")
        assert (other.status_code, other.json()["code"]) == (409, "stale")
        execution.refresh_from_db()
        assert execution.worker_identity == "host-1"

    def test_opens_the_event_stream_where_it_ended(self, make):
        execution = make(next_seq=7, log_line_count=5)
        claim(execution)
        head = redis_client().hgetall(keys.events_head(str(execution.pk)))
        assert head[b"next_seq"] == b"7"
        assert head[b"next_line"] == b"5"

    @pytest.mark.parametrize("status", [Status.CREATED, Status.STOPPED, Status.COMPLETE, Status.STOPPING])
    def test_what_does_not_wait_in_the_queue_is_stale(self, make, status):
        execution = make(status)
        assert claim(execution).status_code == 409
        before = execution.status
        execution.refresh_from_db()
        assert execution.status == before

    def test_an_older_attempt_is_stale(self, make):
        execution = make(epoch=3)
        assert claim(execution, epoch=2).status_code == 409
        execution.refresh_from_db()
        assert execution.status == Status.QUEUED

    def test_an_input_that_is_gone_ends_it_as_an_error_with_the_reason(self, make, dataset):
        execution = make(inputs=[declared("dataset", f"datum://{dataset.pk}")])
        Datum.objects.all().delete()
        assert claim(execution).status_code == 409
        execution.refresh_from_db()
        assert execution.status == Status.ERROR
        assert execution.error_text

    @pytest.mark.parametrize(
        "body", [{}, {"worker": {}}, {"worker": "x"}, {"worker": {"identity": "a\x00b"}}, []]
    )
    def test_a_claim_must_say_who_claims(self, make, body):
        execution = make()
        assert call(execution, "claim", body).status_code == 400
        execution.refresh_from_db()
        assert execution.status == Status.QUEUED

    def test_few_queries(self, make, project):
        ProjectVariable.objects.create(project=project, name="A", value="b")
        execution = make()
        with CaptureQueriesContext(connection) as queries:
            claim(execution)
        assert len(queries) <= 9, [query["sql"][:120] for query in queries]


@pytest.mark.django_db(transaction=True)
def test_of_two_racing_workers_exactly_one_wins(make):
    execution = make()
    answers: dict[str, int] = {}
    barrier = threading.Barrier(2)

    def race(identity: str) -> None:
        barrier.wait()
        answers[identity] = claim(execution, identity).status_code
        connections.close_all()

    threads = [threading.Thread(target=race, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    execution.refresh_from_db()
    assert sorted(answers.values()) == [200, 409]
    assert answers[execution.worker_identity] == 200


class TestCursor:
    def test_says_where_to_go_on(self, make):
        execution = make(Status.STARTED, next_seq=9, log_line_count=4)
        assert call(execution, "cursor", method="get").json() == {
            "next_seq": 9,
            "next_line": 4,
            "final": False,
        }

    def test_says_when_it_is_over(self, make):
        assert call(make(Status.COMPLETE), "cursor", method="get").json()["final"] is True

    def test_an_older_attempt_is_fenced(self, make):
        assert call(make(Status.STARTED, epoch=2), "cursor", epoch=1, method="get").status_code == 409


class TestUploads:
    def test_reserves_and_grants_addresses(self, make):
        factories.make_store()
        execution = make(Status.STARTED)
        body = {"files": [{"name": "a/b.txt", "size": 3}, {"name": "c.bin", "size": 0}]}
        answer = call(execution, "uploads", body)
        assert answer.status_code == 200, answer.content
        first, second = answer.json()["uploads"]
        assert (first["name"], second["name"]) == ("a/b.txt", "c.bin")
        datum = Datum.objects.get(pk=first["datum_id"])
        assert (datum.output_execution_id, datum.output_execution_counter) == (
            execution.pk,
            execution.counter,
        )
        assert datum.stored_at is None
        put = Client().put(first["url"].removeprefix("http://testserver"), b"abc", headers=first["headers"],
                           content_type="application/octet-stream")  # fmt: skip
        assert put.status_code in {200, 201, 204}

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.COMPLETE, Status.STOPPED])
    def test_only_while_it_runs(self, make, status):
        assert call(make(status), "uploads", {"files": [{"name": "x", "size": 1}]}).status_code == 409
        assert not Datum.objects.exists()

    @pytest.mark.parametrize("files", [None, "x", [1], [{}], [{"name": ""}], [{"name": "a\x00"}], [{"name": "a", "size": -1}],
                                       [{"name": "a", "size": "1"}], [{"name": "a"}], [{"name": "a", "size": 1}] * 1001])  # fmt: skip
    def test_nonsense_is_refused(self, make, files):
        assert call(make(Status.STARTED), "uploads", {"files": files}).status_code == 400
        assert not Datum.objects.exists()


class TestUserCode:
    def test_status_detail(self, make):
        execution = make(Status.STARTED)
        assert call(execution, "status-detail", {"status_detail": "epoch 3"}).status_code == 200
        execution.refresh_from_db()
        assert execution.status_detail == "epoch 3"

    @pytest.mark.parametrize(
        ("sent", "kept"), [({"a": 1}, '{"a": 1}'), ("a\x00b", "ab"), ("x" * 10_000, "x" * 4096)]
    )
    def test_status_detail_is_made_storable(self, make, sent, kept):
        execution = make(Status.STARTED)
        assert call(execution, "status-detail", {"status_detail": sent}).status_code == 200
        execution.refresh_from_db()
        assert execution.status_detail == kept

    def test_status_detail_after_the_end_is_refused(self, make):
        execution = make(Status.COMPLETE)
        assert call(execution, "status-detail", {"status_detail": "late"}).status_code == 409
        execution.refresh_from_db()
        assert execution.status_detail == ""

    def test_input_request(self, make, dataset):
        inputs = [
            declared("one", f"datum://{dataset.pk}"),
            declared("two", "https://x/y.txt"),
            declared("none"),
        ]
        execution = make(inputs=inputs)
        ids = {entry["name"]: entry.get("input_id") for entry in claim(execution).json()["inputs"]}
        answer = call(
            execution, f"input-request?inputs={ids['one']}&inputs={ids['two']}&inputs=unknown"
        ).json()
        assert [entry["name"] for entry in answer] == ["one", "two"]
        assert answer[0]["files"][0]["input_id"] == ids["one"]
        assert answer[0]["files"][0]["filename"] == "data.csv"
        assert answer[1]["files"][0]["url"] == "https://x/y.txt"

    def test_fresh_inputs(self, make, dataset):
        execution = make(Status.STARTED, inputs=[declared("one", f"datum://{dataset.pk}")])
        answer = call(execution, "inputs").json()["inputs"]
        assert answer[0]["files"][0]["datum_id"] == str(dataset.pk)
