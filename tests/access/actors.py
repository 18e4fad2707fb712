"""Everybody who calls every route, and what each of them should get."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookies import SimpleCookie
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from accounts.models import User
from tests.access.declared.route import (
    IN_BODY,
    NEEDED,
    OF_PROJECT,
    OWN,
    PUBLIC,
    READ_IN_BODY,
    SAFE,
    SIGNED_IN,
    USABLE,
    USABLE_ADMINISTERED,
    Level,
    Route,
)

OUTSIDERS = ("stranger", "owner of another organization", "removed member", "member without a second factor")
"""People with an account to whom nothing of the organization may exist."""


class Outcome(StrEnum):
    TURNED_AWAY = "turned away to sign in"
    ABSENT = "told that there is no such thing"
    REFUSED = "told that they may not"
    SERVED = "served"


@dataclass
class Actor:
    """Somebody with a browser, a token, both or neither. Levels are those in the team's project and in the organization."""

    name: str
    user: User | None = None
    in_project: Level = Level.NOTHING
    in_organization: Level = Level.NOTHING
    authorization: str = ""
    browses: bool = False
    """Whether a browser is signed in as them."""
    accepted: bool = True
    """Whether the token is one that works."""
    read_only: bool = False
    _cookies: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._browser, self._api = Client(), Client(headers={"Authorization": self.authorization})
        if self.browses and self.user:
            self._browser.force_login(self.user)
        self._cookies = dict(self._browser.cookies)

    @property
    def cookies(self) -> dict[str, str]:
        """Of the browser, when it was signed in."""
        return {name: morsel.value for name, morsel in self._cookies.items()}

    def call(self, method: str, path: str, route: Route) -> HttpResponseBase:
        """Each call starts from the same cookies, whatever an answer has set."""
        by_cookie = route.page and self._cookies
        client = self._browser if by_cookie else self._api
        client.cookies = SimpleCookie(self.cookies if by_cookie else {})
        if not hasattr(client, method):
            return client.generic(method.upper(), path)
        send: Callable[..., HttpResponseBase] = getattr(client, method)
        if method in {"get", "head"} or route.page or route.multipart:
            return send(path, route.body)
        return send(path, route.body, content_type="application/json")

    def is_signed_in(self, route: Route) -> bool:
        return self.browses if route.page else bool(self.authorization) and self.accepted

    def should_get(self, method: str, route: Route, in_project: Level | None = None) -> Outcome:
        """`in_project` is the level where the request is about another project than the team's."""
        if route.kind == PUBLIC:
            return Outcome.SERVED
        if not self.is_signed_in(route):
            return Outcome.TURNED_AWAY
        if self.read_only and (route.full_access or (method not in SAFE and route.kind != READ_IN_BODY)):
            return Outcome.REFUSED
        if route.kind == SIGNED_IN:
            return Outcome.SERVED
        if route.kind == OWN:
            # Roles do not count; the world's own things are the owner's.
            mine = self.in_organization is Level.ADMINISTER and not getattr(self.user, "is_superuser", False)
            return Outcome.SERVED if mine else Outcome.ABSENT
        in_project = self.in_project if in_project is None else in_project
        level = in_project if route.kind in OF_PROJECT else self.in_organization
        if route.kind in {USABLE, USABLE_ADMINISTERED}:
            return self._should_get_of_environment(method, route)
        if level is Level.NOTHING:
            return Outcome.ABSENT
        look, change = NEEDED[route.kind]
        return Outcome.SERVED if level >= (look if method in SAFE else change) else Outcome.REFUSED

    def _should_get_of_environment(self, method: str, route: Route) -> Outcome:
        """It is there for those who may run on it, in the organization or in one project of it."""
        if max(self.in_project, self.in_organization) < Level.WORK:
            return Outcome.ABSENT
        looks = method in SAFE and route.kind == USABLE
        return Outcome.SERVED if looks or self.in_organization is Level.ADMINISTER else Outcome.REFUSED


def fits(outcome: Outcome, answer: HttpResponseBase, route: Route, words: list[str]) -> bool:
    status = answer.status_code
    if route.kind == PUBLIC:
        return status < 500
    to_login = status == 302 and answer.headers["Location"].startswith("/auth/login/")
    if outcome is Outcome.TURNED_AWAY:
        return to_login if route.page else status == 401
    if outcome is Outcome.ABSENT:
        return status == 404 or (route.kind in {IN_BODY, READ_IN_BODY} and says_nothing_of(words, answer))
    if outcome is Outcome.REFUSED:
        # A page may also answer with a message: a redirect, or nothing but a toast. That nothing changed is looked at apart.
        told = {204, 302} if route.page else {400} if route.multipart else set()
        return not to_login and status in {403} | told
    return not to_login and status not in {401, 403, 404, 405}


def says_nothing_of(words: list[str], answer: HttpResponseBase) -> bool:
    content = content_of(answer)
    return not any(word.encode() in content for word in words)


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)
