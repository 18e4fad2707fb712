"""The token of a job lets its worker speak for one attempt at one execution, while that attempt lasts, and do nothing else."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from datastores.models import Datum
from executions import lifecycle, queue
from executions.models import Execution
from executions.types import Status
from tests.access.declared import TABLE
from tests.access.declared.route import PUBLIC, TOKEN
from tests.access.fingerprint import fingerprint
from tests.access.world import World, build_world
from tests.executions.test_agent_api import call, declared
from tests.support import factories

pytestmark = pytest.mark.django_db

ACTIONS = {"claim": "post", "cursor": "get", "uploads": "post", "inputs": "post",
           "inputs/files": "post", "input-request": "post", "placement": "post", "placement/report": "post",
           "status-detail": "post"}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "claim": {"worker": {"identity": "host-1"}},
    "uploads": {"files": [{"name": "x", "size": 1}]},
    "status-detail": {"status_detail": "forged"},
    "placement/report": {"state": "refused", "text": "forged"},
}


@pytest.fixture
def world() -> World:
    return build_world()


def ask(execution: Execution, action: str, **how: Any) -> Any:
    return call(execution, action, BODIES.get(action), method=ACTIONS[action], **how)


def token_of(execution: Execution) -> str:
    return queue.job_token(execution.pk, execution.epoch)


def seen(execution: Execution) -> dict[str, Any]:
    return Execution.objects.values().get(pk=execution.pk)


class TestElsewhere:
    @pytest.mark.parametrize("scheme", ["Job", "Token", "Bearer"])
    def test_every_other_address_takes_it_for_nobody(self, world: World, scheme: str) -> None:
        """The execution's own project included: code in a job has no rights of the person who started it."""
        client = Client(headers={"Authorization": f"{scheme} {token_of(world.secret.execution)}"})
        before = fingerprint()
        asked = 0
        for text, route in TABLE.items():
            if route.kind in {PUBLIC, TOKEN}:
                continue
            for method in route.methods:
                body = world.filled(route).body
                how = {} if method == "get" or route.page or route.multipart else {"content_type": "application/json"}  # fmt: skip
                answer = getattr(client, method)(world.path(text), body, **how)
                refused = 302 if route.page else 401
                assert answer.status_code == refused, (method, text)
                if route.page:
                    assert answer["Location"].startswith("/auth/login/")
                asked += 1
        assert asked > 30
        assert fingerprint() == before

    def test_it_is_not_taken_from_an_address_or_a_cookie(self, world: World) -> None:
        token = token_of(world.secret.execution)
        client = Client()
        client.cookies["sessionid"] = token
        path = f"/api/agent/v1/jobs/{world.secret.execution.pk}/{world.secret.execution.epoch}/inputs"
        for name in ("token", "Authorization", "authorization"):
            assert client.post(f"{path}?{name}=Job {token}").status_code == 401
        assert client.get("/api/v0/projects/").status_code == 401

    @pytest.mark.parametrize("action", ACTIONS)
    def test_other_attempts_executions_and_what_does_not_exist_answer_alike(
        self, world: World, action: str
    ) -> None:
        own = world.secret.execution
        other = factories.make_execution(world.secret.project, status=Status.QUEUED, epoch=1)
        absent = Execution(pk=uuid4(), epoch=1)
        before = seen(other)
        answers = [
            ask(other, action, token=token_of(own)),
            ask(own, action, epoch=own.epoch + 1, token=token_of(own)),
            ask(own, action, epoch=own.epoch - 1, token=token_of(own)),
            ask(absent, action, token=token_of(own)),
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.content for answer in answers}) == 1
        assert seen(other) == before
        assert not Datum.objects.filter(name="x").exists()


class TestAfterTheEnd:
    @pytest.mark.parametrize("status", [Status.COMPLETE, Status.ERROR, Status.STOPPED, Status.CRASHED])
    @pytest.mark.parametrize("action", [name for name in ACTIONS if name != "cursor"])
    def test_nothing_can_be_done_and_nothing_read(self, world: World, action: str, status: Status) -> None:
        ended = factories.make_execution(
            world.secret.project, status=status, inputs=[declared("x", f"datum://{world.secret.datum.pk}")]
        )
        before, rows = seen(ended), fingerprint()
        answer = ask(ended, action)
        assert answer.status_code == 409
        assert str(world.secret.datum.pk) not in answer.content.decode()
        assert (seen(ended), fingerprint()) == (before, rows)

    def test_the_cursor_says_that_it_is_over_and_no_more(self, world: World) -> None:
        """An agent that comes back needs to know that there is nothing left to send."""
        ended = factories.make_execution(
            world.secret.project, status=Status.CRASHED, error_text="nobody knows"
        )
        assert ask(ended, "cursor").json() == {"next_seq": 0, "next_line": 0, "final": True}

    def test_the_next_attempt_locks_the_last_one_out(self, world: World) -> None:
        queued = factories.make_execution(world.secret.project, status=Status.QUEUED, epoch=1)
        old = token_of(queued)
        lifecycle.begin_next_epoch(execution_id=queued.pk, epoch=1)
        before = seen(queued)
        for action in ACTIONS:
            assert ask(queued, action, epoch=1, token=old).status_code == 409, action
            assert ask(queued, action, epoch=2, token=old).status_code == 401, action
        assert seen(queued) == before

    def test_while_it_is_being_stopped_its_outputs_are_still_taken(self, world: World) -> None:
        factories.make_store()
        stopping = factories.make_execution(world.secret.project, status=Status.STOPPING)
        assert ask(stopping, "uploads").status_code == 200
        assert ask(stopping, "claim").status_code == 409

    def test_an_execution_that_is_gone_is_refused(self, world: World) -> None:
        gone = factories.make_execution(world.secret.project, status=Status.STARTED)
        Execution.objects.filter(pk=gone.pk).delete()
        for action in ACTIONS:
            assert ask(gone, action).status_code == 409, action


class TestOtherTenants:
    def test_their_files_are_not_handed_out_whatever_stands_in_the_row(self, world: World) -> None:
        """Inputs are checked when a run is made; here they are looked up in its project once more."""
        foreign = factories.make_datum(factories.make_project(), b"theirs", name="theirs.txt")
        queued = factories.make_execution(
            world.secret.project, status=Status.QUEUED, inputs=[declared("x", f"datum://{foreign.pk}")]
        )
        answer = ask(queued, "claim")
        assert answer.status_code == 409
        assert foreign.name not in answer.content.decode()
        assert seen(queued)["status"] == Status.ERROR
        running = factories.make_execution(
            world.secret.project, status=Status.STARTED, inputs=[declared("x", f"datum://{foreign.pk}")]
        )
        for action in ("inputs", "input-request"):
            answer = ask(running, action)
            assert "theirs.txt" not in answer.content.decode()
            assert "/files/" not in answer.content.decode()

    def test_ids_of_inputs_of_another_run_find_nothing(self, world: World) -> None:
        other = factories.make_execution(
            world.secret.project,
            status=Status.QUEUED,
            inputs=[declared("x", f"datum://{world.secret.datum.pk}")],
        )
        (entry,) = ask(other, "claim").json()["inputs"]
        running = factories.make_execution(
            world.secret.project,
            status=Status.STARTED,
            inputs=[declared("x", f"datum://{world.secret.datum.pk}")],
        )
        found = call(running, f"input-request?inputs={entry['input_id']}").json()
        assert found == []

    @pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "data/other-project/x"])
    def test_uploads_belong_to_the_run_whatever_they_are_called(self, world: World, name: str) -> None:
        factories.make_store()
        running = factories.make_execution(world.secret.project, status=Status.STARTED)
        call(running, "uploads", {"files": [{"name": name, "size": 1}]})
        granted = Datum.objects.filter(output_execution_id__isnull=False).exclude(pk=world.secret.datum.pk)
        assert {datum.output_execution_id for datum in granted} <= {running.pk}
        assert {datum.project_id for datum in granted} <= {running.project_id}
        assert not any(name in datum.key for datum in granted)
