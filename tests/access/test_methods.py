"""A route takes the methods that are written down and no other, and the API's own document names the same ones."""

import pytest

from tests.access.conftest import rolled_back
from tests.access.declared import TABLE
from tests.access.declared.route import JOB, SIGNED_IN, TOKEN, V0, Route
from tests.access.routes import as_in_schema
from tests.access.schema import operations
from tests.access.world import World

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
# Asked about what a route takes, an API answers, pages need not; a page that is read need not tell its head alone.
OF_ITSELF = frozenset({"head", "options"})
NOT_IN_THE_DOCUMENT = frozenset({f"{V0}schema/"})


@pytest.mark.parametrize("text", sorted(TABLE))
def test_a_route_takes_the_methods_that_are_declared(world: World, text: str) -> None:
    route, path = TABLE[text], world.path(text)
    caller = world["job" if text.startswith(JOB) else "organization owner"]
    taken = set()
    for method in METHODS:
        with rolled_back():
            answer = caller.call(method, path, Route(SIGNED_IN, page=route.page))
        if answer.status_code != 405:
            taken.add(method)
        elif "Allow" in answer.headers:
            allowed = {name.strip().lower() for name in answer.headers["Allow"].split(",")}
            assert allowed - OF_ITSELF <= set(route.methods), f"{path} says that it also takes other methods"
    assert taken - OF_ITSELF == set(route.methods), f"{path}: declare the methods that it takes"


def test_the_document_of_the_api_names_every_route_and_method() -> None:
    documented = {(operation.path, operation.method) for operation in operations()}
    declared = {
        (as_in_schema(text), method)
        for text, route in TABLE.items()
        if text.startswith(V0) and text not in NOT_IN_THE_DOCUMENT and text.endswith("/")
        for method in route.methods
    }
    assert documented - declared == set(), "in the document, but not in the access matrix"
    assert declared - documented == set(), "in the access matrix, but not in the document"


def test_no_route_without_its_slash_is_another_one() -> None:
    """Clients that leave out the slash at the end reach the same view, and so the same rules."""
    for text in TABLE:
        if text.startswith(V0) and not text.endswith("/"):
            assert TABLE[text] == TABLE[f"{text}/"]


@pytest.mark.parametrize("text", sorted(text for text, route in TABLE.items() if route.kind == TOKEN))
def test_a_route_with_a_credential_of_its_own_takes_no_other(world: World, text: str) -> None:
    route, path = TABLE[text], world.path(text)
    for actor in world.actors:
        if actor.name == "job":
            continue
        for method in route.methods:
            with rolled_back():
                answer = actor.call(method, path, route)
            # A link that is no longer good is not there.
            assert answer.status_code in (401, 403, 404), f"{method.upper()} {path} by {actor.name}"
