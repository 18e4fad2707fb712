"""Every WebSocket route, asked for by everybody: who may look listens, and to the others nothing is there.

Connections read the database on threads of their own, so that this world is committed, unlike that of the other tests.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from executions import consumers
from tests.access.actors import Actor, Outcome
from tests.access.declared.route import PROJECT, Route
from tests.access.declared.sockets import SOCKETS
from tests.access.guesses import NO_ID
from tests.access.world import build_world
from valohai_app.websockets import websocket_application

CLOSED_WITH = {Outcome.TURNED_AWAY: consumers.ANONYMOUS, Outcome.ABSENT: consumers.INVISIBLE}

Message = dict[str, Any]
Headers = list[tuple[bytes, bytes]]


def socket_routes() -> list[str]:
    """Of the application that the server runs, below the layers around its router."""
    application: Any = websocket_application
    while not hasattr(application, "routes"):
        application = application.inner
    return [str(route.pattern) for route in application.routes]


def test_every_socket_is_declared_and_none_that_is_gone() -> None:
    assert sorted(socket_routes()) == sorted(SOCKETS), (
        "keep tests/access/declared/sockets.py as the routes are"
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("live_threads")
@pytest.mark.parametrize("text", sorted(SOCKETS))
def test_everybody_hears_what_is_theirs_and_of_the_rest_not_that_it_is_there(text: str) -> None:
    world = build_world()
    subject = getattr(world.secret, SOCKETS[text]).pk
    wrong = []
    for actor in world.actors:
        for route, headers in ways_in(actor):
            expected = actor.should_get("get", route)
            answer, unknown = asyncio.run(told(headers, address(text, subject), address(text, NO_ID)))
            by = f"{actor.name}, by {headers[-1][0].decode()}"
            if expected is Outcome.SERVED and answer[-1]["type"] != "websocket.send":
                wrong.append(f"{by}: hears nothing, {answer}")
            elif expected is not Outcome.SERVED and answer[-1].get("code") != CLOSED_WITH[expected]:
                wrong.append(f"{by}: should be {expected}, got {answer}")
            elif expected is not Outcome.SERVED and answer != unknown:
                wrong.append(f"{by}: {answer} differs from {unknown} about what is not there")
    assert not wrong, "\n".join(wrong)


def ways_in(actor: Actor) -> Iterator[tuple[Route, Headers]]:
    """With the token or none, and as a browser that is signed in or not: what that is among the routes, and its headers."""
    host = (b"host", b"testserver")
    yield Route(PROJECT), [host, (b"authorization", actor.authorization.encode())]
    cookies = "; ".join(f"{name}={value}" for name, value in actor.cookies.items())
    yield Route(PROJECT, page=True), [host, (b"origin", b"http://testserver"), (b"cookie", cookies.encode())]


def address(text: str, subject: object) -> str:
    return "/" + text.replace("<uuid:subject_id>", str(subject))


async def told(headers: Headers, *paths: str) -> list[list[Message]]:
    """What the server says at each address until it closes, or until the first news."""
    answers = []
    for path in paths:
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": headers,
            "subprotocols": [],
        }
        connection = ApplicationCommunicator(websocket_application, scope)
        await connection.send_input({"type": "websocket.connect"})
        said: list[Message] = []
        while not said or said[-1]["type"] == "websocket.accept":
            said.append(await connection.receive_output(timeout=30))
        await connection.send_input({"type": "websocket.disconnect", "code": 1000})
        await connection.wait(timeout=30)
        answers.append(said)
    return answers
