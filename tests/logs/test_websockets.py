"""The live connection: who may listen, what arrives, and that no line is lost or doubled on the way."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import websockets
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError
from django.test import Client

from accounts.services import create_api_token
from common.redis import client
from common.threads import LONG, in_thread
from executions import consumers, lifecycle
from executions.logs import sealing, tail
from executions.logs.ingest import close_abandoned, fold_events
from executions.models import Execution
from executions.types import Status
from peon.protocol import keys
from projects.models import Project, ProjectCollaborator
from tests.logs.agent import Agent
from tests.support import factories
from valohai_app.websockets import websocket_application

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_threads")]

Headers = list[tuple[bytes, bytes]]


def session_of(browser: Client, **more: str) -> Headers:
    cookie = f"sessionid={browser.cookies['sessionid'].value}".encode()
    return [
        (b"cookie", cookie), (b"host", b"testserver"), *((k.encode(), v.encode()) for k, v in more.items()),
    ]  # fmt: skip


class Connection:
    """A viewer."""

    def __init__(self, path: str, headers: Headers) -> None:
        scope = {
            "type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": [],
        }  # fmt: skip
        self.communicator = ApplicationCommunicator(websocket_application, scope)
        self.other: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Connection":
        await self.communicator.send_input({"type": "websocket.connect"})
        assert (await self.communicator.receive_output(timeout=10))["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.communicator.wait(timeout=10)

    async def say(self, text: str) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def receive(self) -> dict[str, Any]:
        message = await self.communicator.receive_output(timeout=10)
        found: dict[str, Any] = json.loads(message["text"])
        return found

    async def close_code(self) -> int:
        while True:
            message = await self.communicator.receive_output(timeout=10)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first wanted message, also of those that were passed over before."""
        for message in self.other:
            if wanted(message):
                self.other.remove(message)
                return message
        while True:
            message = await self.receive()
            if wanted(message):
                return message
            self.other.append(message)

    async def of_type(self, kind: str, **facts: Any) -> dict[str, Any]:
        return await self.until(lambda m: m["type"] == kind and facts.items() <= m.items())

    async def status(self, status: str) -> dict[str, Any]:
        return await self.until(lambda m: m["type"] == "state" and m["execution"]["status"] == status)

    async def subscribe(self, line: int = 0) -> None:
        await self.say(json.dumps({"subscribe": "log", "from_line": line}))

    async def lines(self, first: int, count: int) -> list[str]:
        """The next `count` lines; fails when a number is not the one that comes next."""
        found: list[str] = []
        while len(found) < count:
            message = await self.of_type("log")
            assert message["first_line"] == first + len(found)
            lines = [line for segment in message["segments"] for line in segment["p"].split("\n")]
            assert len(lines) == message["line_count"]
            assert message["total"] >= message["first_line"] + len(lines)
            found += lines
        return found


def watch(execution: Execution, headers: Headers) -> Connection:
    return Connection(f"/ws/executions/{execution.pk}/", headers)


def run(coroutine: Awaitable[None]) -> None:
    asyncio.run(coroutine)  # type: ignore[arg-type]


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


class TestLines:
    def test_lines_arrive_as_they_come(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe()
                for number in range(5):
                    agent.say(f"line {number}")
                    began = time.monotonic()
                    assert await viewer.lines(number, 1) == [f"line {number}"]
                    assert time.monotonic() - began < 1

        run(scene())

    @pytest.mark.parametrize("first", [0, 3, 10, 14, 15])
    def test_late_viewer_sees_everything_from_where_it_asks(
        self, execution: Execution, agent: Agent, alice_browser: Client, first: int
    ) -> None:
        agent.say(*(f"line {n}" for n in range(5)))
        fold_events(execution.pk)
        sealing.seal(execution.pk)
        client().delete(keys.events(str(execution.pk)))
        agent.say(*(f"line {n}" for n in range(5, 10)))
        fold_events(execution.pk)
        agent.say(*(f"line {n}" for n in range(10, 15)))

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe(first)
                await viewer.of_type("state")
                agent.say(*(f"line {n}" for n in range(15, 20)))
                assert await viewer.lines(first, 20 - first) == [f"line {n}" for n in range(first, 20)]

        run(scene())

    def test_ended_and_sealed_log_is_sent_from_storage(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        for start in range(0, 30_000, 3000):
            agent.say(*(f"line {n} {'x' * 50}" for n in range(start, start + 3000)))
        agent.finish()
        fold_events(execution.pk)
        sealing.seal(execution.pk)

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe()
                found = await viewer.lines(0, 30_000)
                assert [int(line.split()[1]) for line in found] == list(range(30_000))

        run(scene())

    def test_last_words_of_the_platform_arrive(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe()
                agent.say("working")
                assert await viewer.lines(0, 1) == ["working"]
                await in_thread(
                    LONG, lambda: close_abandoned(execution_id=execution.pk, epoch=1, message="Lost.")
                )
                assert await viewer.lines(1, 1) == ["Lost."]
                await viewer.status("crashed")

        run(scene())

    def test_redis_flushed_while_watching(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe()
                agent.say("one", "two")
                assert await viewer.lines(0, 2) == ["one", "two"]
                client().flushdb()
                agent.resend(0, 0)
                agent.say("three")
                assert await viewer.lines(2, 1) == ["three"]

        run(scene())

    def test_database_away_while_watching(
        self, execution: Execution, agent: Agent, alice_browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> None:
            raise OperationalError("away")

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.of_type("outputs")
                with monkeypatch.context() as broken:
                    broken.setattr(tail, "_stored_count", away)
                    broken.setattr("executions.live.watches.execution_messages", away)
                    await viewer.subscribe()
                    agent.say("live lines need no database")
                    assert await viewer.lines(0, 1) == ["live lines need no database"]
                agent.report("stats", values={"cpu_usage": 1})
                await in_thread(LONG, fold_events, execution.pk)
                await viewer.until(lambda m: m["type"] == "stats" and m["values"])

        run(scene())

    def test_failing_pump_closes_the_connection(
        self, execution: Execution, agent: Agent, alice_browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(tail.LogTail, "frame_at", fail)

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                await viewer.subscribe()
                agent.say("one")
                assert await viewer.close_code() == consumers.FAILED

        run(scene())

    def test_subscribing_again_begins_where_it_says(
        self, execution: Execution, agent: Agent, alice_browser: Client
    ) -> None:
        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as viewer:
                agent.say("one", "two", "three")
                await viewer.subscribe()
                assert await viewer.lines(0, 3) == ["one", "two", "three"]
                await viewer.subscribe(1)
                assert await viewer.lines(1, 2) == ["two", "three"]
                await viewer.say(json.dumps({"unsubscribe": "log"}))
                agent.say("unheard")
                await asyncio.sleep(0.2)
                await viewer.subscribe(4)
                agent.say("five")
                assert await viewer.lines(4, 1) == ["five"]

        run(scene())

    def test_viewer_behind_the_ring_and_behind_trimming_loses_nothing(
        self, execution: Execution, agent: Agent, alice_browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tail.Ring.__init__, "__defaults__", (0, 2000))
        monkeypatch.setattr(tail, "GATHER_SECONDS", 0.2)
        total = 4000

        async def produce() -> None:
            for start in range(0, total, 100):
                agent.say(*(f"line {n}" for n in range(start, start + 100)))
                await in_thread(LONG, fold_events, execution.pk)
                client().xtrim(keys.events(str(execution.pk)), maxlen=0)

        async def scene() -> None:
            async with watch(execution, session_of(alice_browser)) as first:
                await first.subscribe()
                async with watch(execution, session_of(alice_browser)) as second:
                    await second.subscribe()
                    _, one, two = await asyncio.gather(
                        produce(), first.lines(0, total), second.lines(0, total)
                    )
                    assert one == two == [f"line {n}" for n in range(total)]

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
