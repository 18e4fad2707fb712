"""The access matrix: every route of the installation, called by everybody.

The table says what kind of thing each route is. A route that nobody wrote down fails `test_every_route_is_declared`, so
that a new endpoint enters this table in the commit that adds it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import User
from accounts.services import create_api_token
from projects.models import Project
from tests.access.routes import all_routes
from tests.access.world import World, build_world

PUBLIC = "public"  # anybody, signed in or not
SIGNED_IN = "signed in"  # anybody with an account; shows nothing of others
PROJECT = "project"  # a stranger gets 404, a read-only collaborator may look, changes need more
IN_BODY = "in body"  # as `PROJECT`, but the thing is named in the request's body or query
ALIAS = "alias"  # as `PROJECT`, named by an alias
ORGANIZATION = "organization"  # only members find it
OWN = "own"  # a thing of one user, whatever their roles
TOKEN = "token"  # its own credential in the request: a job token or a signed address


@dataclass(frozen=True)
class Route:
    kind: str
    methods: tuple[str, ...] = ("get",)
    body: dict[str, Any] = field(default_factory=dict)
    page: bool = False  # an HTML page sends the anonymous to the login page instead of answering 401
    multipart: bool = False


def page(kind: str, *methods: str) -> Route:
    return Route(kind, methods or ("get",), page=True)


def api(kind: str, *methods: str, **body: Any) -> Route:
    return Route(kind, methods or ("get",), body)


P = "p/<str:owner>/<str:project>/"
JOB = "api/agent/v1/jobs/<uuid:execution_id>/<int:epoch>/"
V0 = "api/v0/"

TABLE: dict[str, Route] = {
    "healthz": api(PUBLIC),
    "readyz": api(PUBLIC),
    "files/<str:token>/<str:filename>": api(TOKEN, "get", "put"),
    f"{V0}schema/": api(PUBLIC),
    "api/docs/": page(PUBLIC),
    "auth/login/": page(PUBLIC),
    "auth/link/": page(PUBLIC),
    "auth/logout/": page(PUBLIC, "post"),
    "auth/tokens/": page(SIGNED_IN),
    "auth/tokens/<uuid:token_id>/revoke/": page(OWN, "post"),
    f"{V0}server/": api(PUBLIC),
    f"{V0}get-token/": api(PUBLIC, "post"),
    f"{V0}users/": api(SIGNED_IN),
    f"{V0}users/me/": api(SIGNED_IN),
    f"{V0}users/login_link/": api(SIGNED_IN),
    f"{V0}organizations/": api(SIGNED_IN),
    f"{V0}organizations/<int:organization_id>/": api(ORGANIZATION),
    f"{V0}teams/": api(SIGNED_IN),
    f"{V0}teams/<uuid:team_id>/": api(ORGANIZATION),
    f"{V0}environments/": api(SIGNED_IN),
    f"{V0}environments/<str:reference>/": api(SIGNED_IN),
    f"{V0}stores/": api(SIGNED_IN),
    f"{V0}stores/<uuid:store_id>/": api(SIGNED_IN),
    f"{V0}projects/": api(SIGNED_IN),
    f"{V0}projects/ownership_options/": api(SIGNED_IN),
    f"{V0}projects/<str:project_id>/": api(PROJECT, "get", "put", "patch", "delete", name="renamed"),
    f"{V0}projects/<str:project_id>/commits/": api(PROJECT),
    f"{V0}projects/<str:project_id>/fetch/": api(PROJECT, "post"),
    f"{V0}projects/<str:project_id>/repository/": api(
        PROJECT, "put", url="https://git.example.com/other.git"
    ),
    f"{V0}projects/<str:project_id>/environment_variable/": api(
        PROJECT, "post", "delete", name="KEY", value="x", secret=False
    ),
    f"{V0}projects/<str:project_id>/import-package/": Route(
        PROJECT, ("post",), {"description": "x"}, multipart=True
    ),
    f"{V0}commits/": api(SIGNED_IN),
    f"{V0}commits/<str:identifier>/": api(PROJECT),
    f"{V0}repositories/": api(SIGNED_IN),
    f"{V0}data/": api(SIGNED_IN),
    f"{V0}data/uploads/": api(IN_BODY, "post", project="{project}", name="new.txt", size=1),
    f"{V0}data/metadata/apply/": api(IN_BODY, "post", datum_metadata={"{datum}": {"seen": True}}),
    f"{V0}data/<uuid:datum_id>/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/download/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/download_url/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/preview/": api(PROJECT),
    f"{V0}data/<uuid:datum_id>/purge/": api(PROJECT, "post"),
    f"{V0}data/<uuid:datum_id>/metadata/": api(PROJECT, "post", seen=True),
    f"{V0}data/<uuid:datum_id>/complete/": api(PROJECT, "post"),
    f"{V0}datum-aliases/": api(SIGNED_IN),
    f"{V0}datum-aliases/resolve/": api(ALIAS, "get", name="secret-alias"),
    f"{V0}executions/": api(SIGNED_IN),
    f"{V0}executions/multi_download_metadata_csv/": api(IN_BODY, "get", ids="{execution}"),
    f"{V0}executions/<str:ref>/": api(PROJECT, "get", "put", "patch", "delete", title="renamed"),
    f"{V0}executions/<str:ref>/stop/": api(PROJECT, "post"),
    f"{V0}executions/<str:ref>/tags/": api(PROJECT, "post", tags=["seen"]),
    f"{V0}executions/<str:ref>/outputs/": api(PROJECT),
    f"{V0}executions/<str:ref>/spec/": api(PROJECT),
    f"{V0}executions/<str:ref>/events/": api(PROJECT),
    f"{V0}executions/<str:ref>/status-events/": api(PROJECT),
    f"{V0}executions/<str:ref>/log/": api(PROJECT),
    f"{V0}executions/<str:ref>/log/search/": api(PROJECT),
    f"{V0}executions/<str:ref>/log/download/": api(PROJECT),
    f"{V0}executions/<str:ref>/stats/": api(PROJECT),
    f"{V0}executions/<str:ref>/metadata/": api(PROJECT),
    f"{V0}executions/<str:ref>/metadata/series/": api(PROJECT),
    f"{V0}executions/<str:ref>/metadata/csv/": api(PROJECT),
    f"{V0}notebook-executions/": api(IN_BODY, "post", project="{project}"),
    f"{JOB}claim": api(TOKEN, "post"),
    f"{JOB}cursor": api(TOKEN),
    f"{JOB}uploads": api(TOKEN, "post"),
    f"{JOB}inputs": api(TOKEN, "post"),
    f"{JOB}input-request": api(TOKEN, "get", "post"),
    f"{JOB}status-detail": api(TOKEN, "post"),
    "": page(SIGNED_IN),
    "projects/switch/": page(SIGNED_IN),
    "projects/create/": page(SIGNED_IN),
    P: page(PROJECT),
    f"{P}executions/bulk/": Route(PROJECT, ("post",), {"action": "delete", "id": "{execution}"}, page=True),
    f"{P}executions/create/": page(PROJECT),
    f"{P}executions/create/facts/": page(PROJECT),
    f"{P}execution/<uuid:execution_id>/": page(PROJECT),
    f"{P}execution/<uuid:execution_id>/facts/": page(PROJECT),
    f"{P}execution/<uuid:execution_id>/outputs/": page(PROJECT),
    f"{P}fetch/": page(PROJECT, "post"),
    f"{P}fetch/status/": page(PROJECT),
    f"{P}data/": page(PROJECT),
    f"{P}data/aliases/": page(PROJECT),
    f"{P}commits/": page(PROJECT),
    f"{P}commits/<str:identifier>/": page(PROJECT),
    f"{P}commits/<str:identifier>/code/": page(PROJECT),
    f"{P}settings/": page(PROJECT),
    f"{P}settings/repository/new-key/": page(PROJECT, "post"),
    f"{P}settings/repository/forget-host/": page(PROJECT, "post"),
    f"{P}settings/variables/delete/": page(PROJECT, "post"),
    f"{P}settings/<str:tab>/": page(PROJECT, "get", "post"),
}


def reason_not_declared(route: str) -> str:
    return f"{route!r} is not in the access matrix: add it to TABLE in tests/access/test_matrix.py."


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
    _, secret = create_api_token(user=user, name="matrix")
    client.defaults["HTTP_AUTHORIZATION"] = f"Token {secret}"
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
        if model._meta.app_label not in {"sessions", "admin"} and model._meta.label != "accounts.ApiToken"
    }


@pytest.mark.parametrize(("text", "method"), cases(SIGNED_IN, PROJECT, IN_BODY, ALIAS, ORGANIZATION, OWN))
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


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, ALIAS, ORGANIZATION, OWN))
def test_stranger_finds_nothing(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.charlie, route), method, world.path(text), route)
    assert answer.status_code == 404
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


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, changing=True))
def test_read_only_collaborator_changes_nothing(world: World, text: str, method: str) -> None:
    route = world.filled(TABLE[text])
    before = fingerprint()
    answer = call(caller(world.viewer, route), method, world.path(text), route)
    # A page may also answer with a message: a redirect, or nothing but a toast. What counts is that nothing changed.
    refused = {403, 404, 405} | ({204, 302} if route.page else set()) | ({400} if route.multipart else set())
    assert answer.status_code in refused
    assert fingerprint() == before
    world.assert_untouched()


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, changing=False))
def test_read_only_collaborator_may_look(world: World, text: str, method: str) -> None:
    route = TABLE[text]
    answer = call(caller(world.viewer, route), method, world.path(text), route)
    assert answer.status_code in (200, 302) or "settings" in text or "create" in text


@pytest.mark.parametrize(("text", "method"), cases(PROJECT, SIGNED_IN, changing=False))
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
