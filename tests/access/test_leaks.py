"""What one may not see does not show: neither in answers about it, nor in those to a query or a form that names it.

A foreign thing is asked for, then something that exists nowhere; the two answers have to be the same to the byte.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, combinations
from typing import Any

import pytest

from tests.access.actors import OUTSIDERS, Actor, content_of
from tests.access.conftest import rolled_back
from tests.access.declared import TABLE
from tests.access.declared.route import ALIAS, IN_BODY, PUBLIC, READ_IN_BODY, SAFE, SIGNED_IN, TOKEN, P, Route
from tests.access.guesses import guesses, nothing_like
from tests.access.routes import as_in_schema, parameters_of
from tests.access.schema import Operation, operations
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands_still")]

# Queries of pages, which no document describes. Those of the API are in its schema.
PAGE_QUERIES = {
    "": ("search", "sort", "page"),
    "projects/switch/": ("search",),
    "projects/create/": ("owner", "team"),
    P: ("status", "step", "creator", "tag", "text", "sort", "columns"),
    f"{P}data/": ("search", "page", "tag", "store"),
    f"{P}data/datasets/": ("search", "page"),
    f"{P}data/datasets/<uuid:dataset_id>/build/": ("from",),
    f"{P}data/datasets/<uuid:dataset_id>/<uuid:version_id>/": ("search", "page"),
    f"{P}data/datasets/<uuid:dataset_id>/<uuid:version_id>/diff/": ("from",),
    f"{P}commits/": ("ref",),
    f"{P}executions/create/": ("from", "commit", "step"),
    f"{P}executions/create/facts/": ("from", "commit", "step"),
    f"{P}execution/<uuid:execution_id>/outputs/": ("search",),
}
SHAPING = frozenset({"exclude", "include", "limit", "offset", "no_count"})
"""Queries that say how an answer looks, not what it is about."""
SHARED_NAMES = frozenset[tuple[str, str]]()
"""(Route, field) where a new name has to differ from everybody's: users and organizations share one name space, which
whoever takes a name finds out."""

OPERATIONS = {(operation.path, operation.method): operation for operation in operations()}
COUNTED = frozenset({"Content-Length", "Expires"})
CSRF_TOKEN = re.compile(
    r'(name="csrfmiddlewaretoken" value="|name="csrf-token" content="|data-csrf-token=")[A-Za-z0-9]{64}(?=")'
)
"""By where pages have it, so that a sum of a file, which looks the same, is not taken for one."""
NEW_EACH_TIME = re.compile(
    r"/files/[^/]+/|[0-9a-f]{40}|\b[0-9a-f]{6}(?=…|\")|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+"
)


def operation_of(text: str, method: str) -> Operation | None:
    return OPERATIONS.get((as_in_schema(text), method))


def queries_of(text: str, route: Route) -> Iterable[str]:
    operation = operation_of(text, "get")
    documented = {name for name, shape in operation.query.items() if may_name(shape)} if operation else set()
    in_declaration = set(route.body) if route.kind in {IN_BODY, READ_IN_BODY, ALIAS} else set()
    return sorted((documented | in_declaration | set(PAGE_QUERIES.get(text, ()))) - SHAPING)


def fields_of(text: str, method: str, route: Route) -> Iterable[str]:
    operation = operation_of(text, method)
    documented = {name for name, shape in operation.fields.items() if may_name(shape)} if operation else set()
    return sorted(name for name in documented | set(route.body) if (text, name) not in SHARED_NAMES)


def may_name(shape: Any) -> bool:
    return shape.get("type") not in {"boolean", "number"} and "minimum" not in shape


def subsets(names: list[str]) -> Iterator[frozenset[str]]:
    return map(frozenset, chain.from_iterable(combinations(names, count) for count in range(len(names) + 1)))


@pytest.mark.parametrize(
    "text",
    sorted(
        text for text, route in TABLE.items() if route.names_something and set(parameters_of(text)) - {"tab"}
    ),
)
def test_what_is_not_theirs_is_like_what_is_not_there(world: World, text: str) -> None:
    route = world.filled(TABLE[text])
    named = [name for name in parameters_of(text) if name != "tab"]
    paths = [world.path(text, without=absent) for absent in subsets(named)]
    said = tuple({part for path in paths for part in path.split("/") if part not in text.split("/")})
    for number, name in enumerate(OUTSIDERS):
        # One of them tries every mixture of what is there and what is not, the others all and nothing.
        tried = paths if number == 0 else [paths[0], paths[-1]]
        for method in route.methods:
            answers = {path: shown(world[name], method, path, route, said) for path in tried}
            assert len(set(answers.values())) == 1, (
                f"{method.upper()} tells them apart for the {name}: {answers}"
            )


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (text, query)
        for text, route in sorted(TABLE.items())
        if "get" in route.methods and route.kind not in {TOKEN, PUBLIC}
        for query in queries_of(text, route)
    ],
)
def test_a_query_finds_nothing_of_others(world: World, text: str, query: str) -> None:
    """Mallory asks in her own organization for what the other one has."""
    route, path = TABLE[text], world.path(text, world.rival)
    mallory = world["owner of another organization"]
    for foreign in guesses(query, world.secret):
        answers = []
        for value in (str(foreign), nothing_like(str(foreign))):
            asked = Route(SIGNED_IN, body={query: value}, page=route.page)
            answers.append(shown(mallory, "get", path, asked, (value,)))
        assert answers[0] == answers[1], f"{path}?{query}={foreign}"


@pytest.mark.parametrize(
    ("text", "method", "field"),
    [
        (text, method, field)
        for text, route in sorted(TABLE.items())
        if route.kind != TOKEN
        for method in route.methods
        if method not in SAFE
        for field in fields_of(text, method, route)
    ],
)
def test_a_form_takes_nothing_of_others(world: World, text: str, method: str, field: str) -> None:
    """Mallory names things of the other organization in what she sends about her own."""
    route, path = world.filled(TABLE[text], world.rival), world.path(text, world.rival)
    mallory, operation = world["owner of another organization"], operation_of(text, method)
    shape = operation.fields.get(field, {}) if operation else {}
    for foreign in guesses(field, world.secret):
        answers = []
        for value in (foreign, nothing_like(foreign)):
            body = {**route.body, field: in_shape(value, shape)}
            sent = Route(route.kind, body=body, page=route.page, multipart=route.multipart)
            # What is made by the way has a new number each time.
            answers.append(NEW_EACH_TIME.sub("…", shown(mallory, method, path, sent, (str(value),))))
        assert answers[0] == answers[1], f"{method.upper()} {path} with {field} = {foreign}"


def in_shape(value: Any, shape: Any) -> Any:
    text = value if isinstance(value, int) else str(value)
    if shape.get("type") == "object":
        return {"dataset": [text]}
    return [text] if shape.get("type") == "array" else text


def shown(actor: Actor, method: str, path: str, route: Route, said: tuple[str, ...]) -> str:
    """Everything that a caller reads of an answer, except what they said themselves."""
    with rolled_back():
        answer = actor.call(method, path, route)
        content = content_of(answer).decode(errors="replace")
    headers = {name: value for name, value in answer.headers.items() if name not in COUNTED}
    # Tokens first: a random one may spell a short name, as `s3`, and would no longer look like a token.
    text = CSRF_TOKEN.sub(r"\1…", f"{answer.status_code} {headers} {content}")
    for name in sorted(said, key=len, reverse=True):
        text = text.replace(name, "…")
    return text
