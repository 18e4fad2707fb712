"""The file system storage by signed address, on the event loop.

A download over a slow line takes minutes. On the threads that serve pages, eight of them would stop the platform; here
each costs a file handle and one block of memory. Blocking calls run on a few threads of their own.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from common.errors import DomainError
from common.files.receiving import Receiving
from common.files.receiving import receive as receive_file
from common.files.requests import FileRequest, read_request
from common.files.serving import BLOCK_BYTES, Answer, RangeImpossible, answer
from common.rest.errors import plain_body

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]
Result = TypeVar("Result")

PREFIX = "/files/"
THREADS = 8
logger = logging.getLogger(__name__)
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")


class ClientGone(Exception):
    """The client hung up before its upload was whole."""


def with_files(application: Application) -> Application:
    """`application`, with the addresses of files answered here."""

    async def dispatch(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _handle(scope, receive, send)
        else:
            await application(scope, receive, send)

    return dispatch


async def _handle(scope: Any, receive: Receive, send: Send) -> None:
    method = scope["method"]
    token, _, filename = scope["path"].removeprefix(PREFIX).partition("/")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        asked = read_request(method=method, token=token, filename=filename, headers=headers)
        if method == "PUT":
            await _receive(asked, receive, send)
        else:
            await _serve(asked, receive, send, with_content=method == "GET")
    except ClientGone:
        logger.info("upload abandoned by its client")
    except DomainError as error:
        await _refuse(error, send)


async def _serve(asked: FileRequest, receive: Receive, send: Send, *, with_content: bool) -> None:
    found = await _blocking(answer, asked)
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        await _start(send, found.status, found.headers)
        if with_content:
            await _send_blocks(found, send, gone)
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        found.file.close()


async def _send_blocks(found: Answer, send: Send, gone: "asyncio.Future[None]") -> None:
    remaining = found.length
    found.file.seek(found.first)
    # A server drops what it is given for a client that is gone: without asking, the whole file would be read for nothing.
    while remaining > 0 and not gone.done():
        block = await _blocking(found.file.read, min(BLOCK_BYTES, remaining))
        if not block:
            return
        remaining -= len(block)
        await send({"type": "http.response.body", "body": block, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _receive(asked: FileRequest, receive: Receive, send: Send) -> None:
    incoming = await _blocking(receive_file, asked)
    try:
        await _copy(incoming, receive)
        size = await _blocking(incoming.store)
    finally:
        await _blocking(incoming.abandon)
    await _send_json(send, 201, {"size": size})


async def _copy(incoming: Receiving, receive: Receive) -> None:
    """Bodies come in pieces of a network buffer; they are written a block at a time."""
    pending = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pending += message.get("body", b"")
        more = message.get("more_body", False)
        if pending and (len(pending) >= BLOCK_BYTES or not more):
            block, pending = bytes(pending), bytearray()
            await _blocking(incoming.write, block)


async def _refuse(error: DomainError, send: Send) -> None:
    extra = {"Content-Range": f"bytes */{error.size_bytes}"} if isinstance(error, RangeImpossible) else {}
    await _send_json(send, error.http_status, plain_body(error.message, error.code), extra)


async def _send_json(
    send: Send, status: int, body: dict[str, Any], extra: dict[str, str] | None = None
) -> None:
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(extra or {})}
    await _start(send, status, {**headers, "X-Content-Type-Options": "nosniff"})
    await send({"type": "http.response.body", "body": content})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _blocking(call: Callable[..., Result], *arguments: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads, call, *arguments)
