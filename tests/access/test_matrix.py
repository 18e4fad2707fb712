"""The access matrix: every route of the installation, called by everybody.

The tables in `declared` say what kind of thing each route is. A route that nobody wrote down fails `test_every_route_is_declared`, so
that a new endpoint enters the table of its app in the commit that adds it.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import User
from projects.models import Project
from tests.access.declared import TABLE
from tests.access.declared.route import (
    ADMINISTERED,
    ALIAS,
    IN_BODY,
    ORGANIZATION,
    OWN,
    PROJECT,
    PROJECT_SETTINGS,
    SIGNED_IN,
    TOKEN,
    Route,
)
from tests.access.routes import all_routes
from tests.access.world import World, build_world
from tests.support.factories import make_token


def reason_not_declared(route: str) -> str:
    return f"{route!r} is not in the access matrix: add it to the module of its app in tests/access/declared."


def test_every_route_is_declared() -> None:
    missing = [reason_not_declared(route) for route in all_routes() if route not in TABLE]
    assert not missing, "\n".join(missing)


def test_the_table_names_no_route_that_is_gone() -> None:
    assert set(TABLE) <= set(all_routes())


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def caller(user: User | None, route: Route) -> Client:
    client = Client(raise_request_exception=True)
    if user is None:
        return client
    if route.page:
        client.force_login(user)
        return client
    client.defaults["HTTP_AUTHORIZATION"] = f"Token {make_token(user)}"
    return client


def call(client: Client, method: str, path: str, route: Route) -> HttpResponseBase:
    send: Callable[..., HttpResponseBase] = getattr(client, method)
    if method == "get":
        return send(path, route.body)
    if route.page or route.multipart:
        return send(path, route.body)
    return send(path, route.body, content_type="application/json")


def cases(*kinds: str, changing: bool | None = None) -> list[Any]:
    return [
        pytest.param(text, method, id=f"{method} {text}")
        for text, route in TABLE.items()
        for method in route.methods
        if route.kind in kinds and changing in (None, method != "get")
    ]


def fingerprint() -> dict[str, int]:
    """Row counts of everything, to see that a refusal changed nothing. Sessions and tokens of the callers aside."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label not in {"sessions", "admin"}
        and model._meta.label not in {"accounts.ApiToken", "accounts.UserSession"}
    }


@pytest.mark.parametrize(
    ("text", "method"),
    cases(SIGNED_IN, PROJECT, PROJECT_SETTINGS, IN_BODY, ALIAS, ORGANIZATION, ADMINISTERED, OWN),
)
def test_anonymous_is_turned_away(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    before = fingerprint()
    answer = call(caller(None, route), method, world.path(text), route)
    if route.page:
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/auth/login/")
    else:
        assert answer.status_code == 401
    assert fingerprint() == before


@pytest.mark.parametrize(
    ("text", "method"), cases(PROJECT, PROJECT_SETTINGS, ALIAS, ORGANIZATION, ADMINISTERED, OWN)
)
def test_stranger_finds_nothing(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.charlie, route), method, world.path(text), route)
    assert answer.status_code == 404
    assert fingerprint() == before
    world.assert_untouched()


@pytest.mark.parametrize(("text", "method"), cases(ADMINISTERED))
def test_a_member_does_not_manage(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.viewer, route), method, world.path(text), route)
    assert answer.status_code == 403
    assert fingerprint() == before
    world.assert_untouched()


@pytest.mark.parametrize(("text", "method"), cases(IN_BODY))
def test_stranger_cannot_name_it_in_a_body(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.charlie, route), method, world.path(text), route)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    assert answer.status_code in (400, 404, 501) or not any(s.encode() in content for s in world.secrets)
    assert fingerprint() == before
    world.assert_untouched()


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, PROJECT_SETTINGS, changing=True))
def test_read_only_collaborator_changes_nothing(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.viewer, route), method, world.path(text), route)
    # A page may also answer with a message: a redirect, or nothing but a toast. What counts is that nothing changed.
    refused = {403, 404, 405} | ({204, 302} if route.page else set()) | ({400} if route.multipart else set())
    assert answer.status_code in refused
    assert fingerprint() == before
    world.assert_untouched()


@pytest.mark.parametrize(("text", "method"), [*cases(ADMINISTERED), *cases(ORGANIZATION, changing=True)])
def test_member_does_not_administer(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.bob, route), method, world.path(text), route)
    assert answer.status_code == 403
    assert fingerprint() == before


@pytest.mark.parametrize(("text", "method"), cases(ORGANIZATION, changing=False))
def test_member_may_look(world: World, text: str, method: str) -> None:
    answer = call(caller(world.bob, TABLE[text]), method, world.path(text), TABLE[text])
    assert answer.status_code in (200, 302)


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, changing=False))
def test_read_only_collaborator_may_look(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    answer = call(caller(world.viewer, route), method, world.path(text), route)
    assert answer.status_code in (200, 302) or "settings" in text or "create" in text


@pytest.mark.parametrize(("text", "method"), cases(PROJECT_SETTINGS, changing=False))
def test_read_only_collaborator_sees_no_settings(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    assert call(caller(world.viewer, route), method, world.path(text), route).status_code == 403


@pytest.mark.parametrize(
    ("text", "method"),
    cases(PROJECT, PROJECT_SETTINGS, SIGNED_IN, ORGANIZATION, ADMINISTERED, changing=False),
)
def test_owner_is_served(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    answer = call(caller(world.alice, route), method, world.path(text), route)
    assert answer.status_code in (200, 302), getattr(answer, "content", b"")[:500]


@pytest.mark.parametrize(("text", "method"), cases(SIGNED_IN, changing=False))
def test_stranger_sees_nothing_of_others(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    answer = call(caller(world.charlie, route), method, world.path(text), route)
    assert answer.status_code in (200, 302, 400, 404)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    for secret in world.secrets:
        assert secret.encode() not in content


@pytest.mark.parametrize(("text", "method"), cases(TOKEN))
def test_a_credential_of_its_own_is_needed(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    before = fingerprint()
    for user in (None, world.charlie, world.alice):
        answer = call(caller(user, route), method, world.path(text), route)
        assert answer.status_code in (401, 403, 404, 409)
    assert fingerprint() == before


def test_a_project_of_another_is_not_in_lists(world: World) -> None:
    assert Project.objects.count() >= 1
    client = caller(world.charlie, Route(SIGNED_IN))
    for path in ("projects", "executions", "commits", "repositories", "data", "datum-aliases"):
        answer = client.get(f"/api/v0/{path}/")
        assert answer.status_code == 200, path
        assert answer.json()["count"] == 0, path
