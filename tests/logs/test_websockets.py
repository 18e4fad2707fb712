"""Who may watch an execution, what is told besides its lines, and that a slow viewer holds up nobody."""

import asyncio
import json
import time
from typing import Any

import pytest
import websockets
from django.test import Client

from accounts.services import create_api_token
from common.threads import LONG, in_thread
from executions import consumers, lifecycle
from executions.logs.ingest import fold_events
from executions.models import Execution
from executions.types import Status
from projects.models import Project, ProjectCollaborator
from tests.logs.agent import Agent
from tests.logs.viewer import Connection, Headers, run, session_of, watch
from tests.support import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_threads")]


class TestAccess:
    def test_owner_sees_the_state_at_once(self, execution: Execution, alice_browser: Client) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                state = (await viewer.of_type("state"))["execution"]
                assert state["status"] == "started"
                assert state["duration"] >= 0
                assert state["time"].endswith("Z")

        run(scene())

    def test_token_opens_it_too(self, execution: Execution, alice: Any) -> None:
        _, secret = create_api_token(user=alice, name="script")

        async def scene() -> None:
            headers = [(b"authorization", f"Token {secret}".encode())]
            async with watch(execution, headers) as viewer:
                assert (await viewer.receive())["type"] == "state"

        run(scene())

    @pytest.mark.parametrize(
        "headers", [[], [(b"authorization", b"Token wrong")], [(b"cookie", b"sessionid=x")]]
    )
    def test_nobody_is_told_to_log_in(self, execution: Execution, headers: Headers) -> None:
        async def scene() -> None:
            async with watch(execution, headers) as viewer:
                assert await viewer.close_code() == consumers.ANONYMOUS

        run(scene())

    def test_stranger_finds_nothing(self, execution: Execution, charlie_browser: Client) -> None:
        async def scene() -> None:
            for path in (f"/ws/executions/{execution.pk}/", f"/ws/projects/{execution.project_id}/"):
                async with Connection(path, session_of(charlie_browser)) as viewer:
                    assert await viewer.close_code() == consumers.INVISIBLE

        run(scene())

    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("http://testserver", True),
            ("https://evil.example", False),
            ("null", False),
            ("http://testserver.evil", False),
        ],
    )
    def test_page_of_another_site_cannot_use_the_session(
        self, execution: Execution, alice_browser: Client, origin: str, allowed: bool
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser, origin=origin)) as viewer:
                if allowed:
                    assert (await viewer.receive())["type"] == "state"
                else:
                    assert await viewer.close_code() == consumers.FOREIGN_ORIGIN

        run(scene())

    def test_access_that_is_taken_away_ends_the_connection(
        self, execution: Execution, bob_browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)

        async def scene() -> None:
            async with watch(execution, session_of(bob_browser)) as viewer:
                await viewer.of_type("state")
                await in_thread(LONG, ProjectCollaborator.objects.all().delete)
                assert await viewer.close_code() == consumers.INVISIBLE

        run(scene())

    @pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"subscribe": "secrets"}', '{"from_line": {}}'])
    def test_nonsense_is_passed_over(
        self, execution: Execution, agent: Agent, alice_browser: Client, text: str
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.say(text)
                agent.say("still works")
                await viewer.subscribe()
                assert await viewer.lines(0, 1) == ["still works"]

        run(scene())


class TestNews:
    def test_metadata_statistics_and_end(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.of_type("outputs")
                agent.say('{"loss": 0.5}')
                agent.report("stats", values={"cpu_usage": 1.5})
                await in_thread(LONG, fold_events, execution.pk)
                assert (await viewer.of_type("metadata", count=1))["latest"] == {"loss": 0.5}
                stats = await viewer.until(lambda m: m["type"] == "stats" and m["values"])
                assert stats["values"] == {"cpu_usage": 1.5}
                assert stats["time"] == agent.clock
                agent.finish("error", 2, "It failed.")
                await in_thread(LONG, fold_events, execution.pk)
                state = (await viewer.status("error"))["execution"]
                assert (state["exit_code"], state["error_text"]) == (2, "It failed.")

        run(scene())

    def test_many_changes_are_few_messages(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.of_type("outputs")
                for number in range(100):
                    agent.say(json.dumps({"step": number}))
                    await in_thread(LONG, fold_events, execution.pk)
                await viewer.until(lambda m: m["type"] == "metadata" and m["latest"] == {"step": 99})
                assert sum(m["type"] == "metadata" for m in viewer.other) < 60

        run(scene())

    def test_change_without_a_notice_is_seen_by_the_safety_look(
        self, execution: Execution, alice_browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("executions.live.watches.SAFETY_SECONDS", 0.1)

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.of_type("state")
                rows = Execution.objects.filter(pk=execution.pk)
                await in_thread(LONG, lambda: rows.update(status_detail="halfway"))
                await viewer.until(
                    lambda m: m["type"] == "state" and m["execution"]["status_detail"] == "halfway"
                )

        run(scene())

    def test_project_hears_of_its_executions(self, project: Project, alice_browser: Client) -> None:
        queued = factories.make_execution(project, status=Status.QUEUED, epoch=1)
        foreign = factories.make_execution(status=Status.STARTED)

        async def scene() -> None:
            async with Connection(f"/ws/projects/{project.pk}/", session_of(alice_browser)) as viewer:
                first = await viewer.of_type("execution", id=str(queued.pk))
                assert (first["status"], first["counter"]) == ("queued", 1)
                await in_thread(
                    LONG, lambda: lifecycle.mark_started(execution_id=queued.pk, epoch=1, worker_identity="w")
                )
                await viewer.of_type("execution", id=str(queued.pk), status="started")
                assert all(m["id"] != str(foreign.pk) for m in viewer.other)

        run(scene())


def test_viewer_that_stops_reading_holds_up_nobody(
    server: str, execution: Execution, agent: Agent, alice: Any
) -> None:
    """It does not read while far more than any buffer holds goes by; then it reads on and has missed nothing."""
    _, secret = create_api_token(user=alice, name="script")
    total, text = 200_000, "x" * 100

    async def scene() -> None:
        address = f"{server}/ws/executions/{execution.pk}/"
        options: dict[str, Any] = {
            "additional_headers": {"Authorization": f"Token {secret}"}, "max_size": None, "max_queue": 1,
        }  # fmt: skip
        async with (
            websockets.connect(address, **options) as slow,
            websockets.connect(address, **options) as fast,
        ):
            for viewer in (slow, fast):
                await viewer.send('{"subscribe": "log", "from_line": 0}')

            async def produce() -> None:
                for start in range(0, total, 2000):
                    agent.say(*(f"{n} {text}" for n in range(start, start + 2000)))
                    await in_thread(LONG, fold_events, execution.pk)

            began = time.monotonic()
            await asyncio.gather(produce(), read_all(fast, total))
            assert time.monotonic() - began < 60
            await read_all(slow, total)

    run(scene())


async def read_all(viewer: Any, total: int) -> None:
    line = 0
    async for message in viewer:
        found = json.loads(message)
        if found["type"] != "log":
            continue
        assert found["first_line"] == line
        for segment in found["segments"]:
            for text in segment["p"].split("\n"):
                assert text.startswith(f"{line} ")
                line += 1
        if line >= total:
            return
