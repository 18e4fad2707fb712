"""Lines arrive as they come, and none is lost or told twice whatever happens meanwhile."""

import asyncio
import json
import time

import pytest
from django.db import OperationalError
from django.test import Client

from common.redis import client
from common.threads import LONG, in_thread
from executions import consumers
from executions.logs import sealing, tail
from executions.logs.ingest import close_abandoned, fold_events
from executions.models import Execution
from peon.protocol import keys
from tests.logs.agent import Agent
from tests.logs.viewer import run, session_of, watch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_threads")]


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
