"""Tries a store out as workers and browsers will use it: by granted requests, with a file of a few bytes.

Each step that fails says what to change. What is found wrong is a result, not an exception: somebody is looking at a form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings

from accounts.models import User
from common.errors import DomainError
from common.ids import new_token
from common.objectstores import Download, Grant, ObjectStore
from common.outgoing import judged
from datastores import away
from datastores.connecting import may_change
from datastores.errors import StoreNotChangeable
from datastores.models import DataStore
from datastores.opening import object_store

FOLDER = "connection-tests"
_SECONDS = 20
_LONGEST_ANSWER = 300
_MOST_BYTES = 64 * 1024
"""Of an answer. The file that is read back is smaller, and an endpoint is a user's: it may answer without end."""


@dataclass(frozen=True)
class Step:
    """One thing that was tried. `problem` is empty when it worked."""

    name: str
    title: str
    problem: str = ""
    code: str = ""

    @property
    def succeeded(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Mapping[str, str]
    content: bytes


class GrantRefused(DomainError):
    code = "store_grant_refused"

    def __init__(self, what: str, answer: Answer) -> None:
        text = " ".join(answer.content.decode("utf-8", "replace").split())[:_LONGEST_ANSWER]
        super().__init__(
            f"The store answered {answer.status_code} to a signed request that {what}: {text} Check the permissions of the "
            "credentials, the region, and the clock of the server."
        )


class ContentDiffers(DomainError):
    code = "store_content_differs"

    def __init__(self) -> None:
        super().__init__(
            "The store gave back another content than was written. Check what stands between it and the server."
        )


class OriginRefused(DomainError):
    code = "store_cors"

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"Pages of {origin} may not upload to the store: its CORS rules do not allow it. Allow this origin the methods "
            "GET and PUT with any header, and let it read the header ETag. Workers do not need this."
        )


def try_store(*, store: DataStore, actor: User, base_url: str) -> list[Step]:
    """For whoever may change the store; others get `StoreNotChangeable`."""
    if not may_change(actor, store):
        raise StoreNotChangeable(store.name)
    return steps_of(store, base_url=base_url)


def steps_of(store: DataStore, *, base_url: str) -> list[Step]:
    """Open, write, read back and remove a file; the steps up to the first that failed, and whether browsers may upload."""
    key = f"{FOLDER}/{new_token()}"
    content = new_token().encode()
    steps: list[Step] = []
    opened: list[ObjectStore] = []

    def step(name: str, title: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except DomainError as error:
            steps.append(Step(name, title, error.message, error.code))
            return False
        steps.append(Step(name, title))
        return True

    away.forget(store)
    if not step("open", "Open the store", lambda: opened.append(object_store(store))):
        return steps
    place = opened[0]
    if store.allow_write:
        if not step(
            "write", "Write a file by a signed request", lambda: _write(place, key, content, base_url)
        ):
            return steps
        step("read", "Read it back by a signed request", lambda: _read(place, key, content, base_url))
        step("remove", "Remove it", lambda: place.delete(key))
        if store.kind != DataStore.Kind.PLATFORM:
            step("browser", "Uploads from the browser (CORS)", lambda: _ask_as_browser(place, key, base_url))
    else:
        step("list", "List files", lambda: _list_some(place))
    return steps


def _write(place: ObjectStore, key: str, content: bytes, base_url: str) -> None:
    grant = place.grant_put(key, size_bytes=len(content), lifetime_seconds=300, base_url=base_url)
    answer = _send(grant, "writes a file", data=content)
    if answer.status_code >= 300:
        raise GrantRefused("writes a file", answer)


def _read(place: ObjectStore, key: str, content: bytes, base_url: str) -> None:
    download = Download(key, "test.txt", "text/plain", inline=False, lifetime_seconds=300)
    answer = _send(place.grant_get(download, base_url=base_url), "reads it")
    if answer.status_code >= 300:
        raise GrantRefused("reads a file", answer)
    if answer.content != content:
        raise ContentDiffers


def _list_some(place: ObjectStore) -> None:
    next(iter(place.walk("")), None)


def _ask_as_browser(place: ObjectStore, key: str, base_url: str) -> None:
    """What a browser asks before it sends a file to another origin."""
    origin = settings.URL_BASE or base_url
    grant = place.grant_put(key, size_bytes=1, lifetime_seconds=300, base_url=base_url)
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = _send(Grant("OPTIONS", grant.url, headers), "asks for permission")
    if answer.headers.get("Access-Control-Allow-Origin") not in ("*", origin):
        raise OriginRefused(origin)


class Unreachable(DomainError):
    code = "store_unreachable"

    def __init__(self, what: str, error: Exception) -> None:
        super().__init__(
            f"A signed request that {what} did not reach the store: {error.__class__.__name__}. Check its endpoint and the network."
        )


def _send(grant: Grant, what: str, data: bytes | None = None) -> Answer:
    try:
        with (
            judged(requests.Session()) as session,
            session.request(
                grant.method,
                grant.url,
                headers=grant.headers,
                data=data,
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            content = next(answer.iter_content(_MOST_BYTES), b"")
            return Answer(answer.status_code, answer.headers, content)
    except requests.RequestException as error:
        raise Unreachable(what, error) from error


def as_body(steps: list[Step]) -> dict[str, Any]:
    return {
        "ok": all(step.succeeded for step in steps),
        "steps": [
            {
                "name": step.name,
                "title": step.title,
                "ok": step.succeeded,
                "message": step.problem,
                "code": step.code or None,
            }
            for step in steps
        ],
    }
