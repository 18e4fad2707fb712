"""Somebody who watches over a WebSocket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.test import Client

from executions.models import Execution
from valohai_app.websockets import websocket_application

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
