"""The access matrix: every route of the installation, called by everybody.

The tables in `declared` say what kind of thing each route is; `declared.route.NEEDED` says who gets what from each kind, and
`world` who there is. A route that nobody wrote down fails `test_every_route_is_declared`, so that a new endpoint enters the
table of its app in the commit that adds it.
"""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.access.actors import OUTSIDERS, Actor, Outcome, content_of, fits
from tests.access.conftest import rolled_back
from tests.access.declared import TABLE
from tests.access.declared.route import ALIAS, OF_PROJECT, SIGNED_IN, TOKEN, V0, Route
from tests.access.fingerprint import differences, fingerprint
from tests.access.routes import all_routes
from tests.access.world import World

pytestmark = pytest.mark.django_db

ROUTES = sorted(text for text, route in TABLE.items() if route.kind != TOKEN)


def test_every_route_is_declared() -> None:
    missing = [
        f"{route!r} is not in the access matrix: add it to the module of its app in tests/access/declared."
        for route in all_routes()
        if route not in TABLE
    ]
    assert not missing, "\n".join(missing)


def test_the_table_names_no_route_that_is_gone() -> None:
    assert set(TABLE) <= set(all_routes())


@pytest.mark.parametrize("text", ROUTES)
def test_everybody_gets_what_is_theirs_and_a_refusal_changes_nothing(world: World, text: str) -> None:
    route, path = world.filled(TABLE[text]), world.path(text)
    wrong, before = [], fingerprint()
    for actor, method, expected in cases(world, route):
        with rolled_back() if expected is Outcome.SERVED else nullcontext():
            answer = actor.call(method, path, route)
        if not fits(expected, answer, route, world.words):
            wrong.append(f"{method.upper()} by {actor.name}: should be {expected}, got {answer.status_code}")
    if changed := differences(before, fingerprint()):
        wrong.append(f"a refusal changed {', '.join(changed)}")
    assert not wrong, f"{path}\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    [
        text
        for text in ROUTES
        # An alias is named without its project, and these stores are the organization's.
        if TABLE[text].kind in OF_PROJECT - {ALIAS} and not text.startswith(f"{V0}stores/")
    ],
)
def test_other_kinds_of_projects_are_there_for_others(world: World, text: str) -> None:
    """In a project of no team the role in the organization counts; a member's own project is nothing of the organization's."""
    wrong, before = [], fingerprint()
    for place in world.elsewhere:
        route = place.named(world.filled(TABLE[text], place.tenant))
        path = world.path(text, place.tenant)
        for name, level in place.levels.items():
            for method in route.methods:
                expected = world[name].should_get(method, route, level)
                with rolled_back() if expected is Outcome.SERVED else nullcontext():
                    answer = world[name].call(method, path, route)
                if not fits(expected, answer, route, place.tenant.words_of_project):
                    wrong.append(
                        f"{method.upper()} {path}, {place.name}, by {name}: should be {expected}, got {answer.status_code}"
                    )
    if changed := differences(before, fingerprint()):
        wrong.append(f"a refusal changed {', '.join(changed)}")
    assert not wrong, "\n".join(wrong)


def cases(world: World, route: Route) -> Iterator[tuple[Actor, str, Outcome]]:
    for method in route.methods:
        for actor in world.actors:
            yield actor, method, actor.should_get(method, route)


@pytest.mark.parametrize("text", [text for text in ROUTES if TABLE[text].kind == SIGNED_IN])
def test_what_is_there_for_everybody_shows_nothing_of_others(world: World, text: str) -> None:
    route, path = world.filled(TABLE[text]), world.path(text)
    for name in OUTSIDERS:
        for method in route.methods:
            with rolled_back():
                content = content_of(world[name].call(method, path, route))
            known = words_known_to(name, world, text)
            leaked = [word for word in world.words if word.encode() in content and word not in known]
            assert not leaked, f"{method.upper()} {path} shows {leaked} to the {name}"


def words_known_to(name: str, world: World, text: str) -> list[str]:
    """People are told which organization asks for a second factor, and read later on what was done to themselves."""
    secret = world.secret
    if name == "member without a second factor":
        return [secret.organization.name]
    of_themselves = name == "removed member" and text.startswith(("activity/", f"{V0}audit-events/"))
    return [secret.organization.name, secret.team.name] if of_themselves else []
