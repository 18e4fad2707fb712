"""What keeps a browser from running what it should not: headers of every answer, and templates without inline code."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.access.declared import TABLE
from tests.access.declared.route import SIGNED_IN, page
from tests.access.world import World, build_world
from tests.support.live import CHECKOUT

TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))
INLINE = {
    "an inline script": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    "an inline style": r"<style|\sstyle\s*=",
    "an event handler": r"\son[a-z]+\s*=\s*[\"'{]",
    "code in htmx": r"hx-on|hx-vals\s*=\s*[\"']js:|hx-vars",
    "a script address": r"javascript:",
    "a switched off escape": r"\|\s*safe\b|autoescape\s+off",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_template_has(template: Path) -> None:
    text = template.read_text()
    for what, pattern in INLINE.items():
        assert not re.search(pattern, text, re.IGNORECASE), f"{template} has {what}"


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def test_the_policy_of_every_page_allows_nothing_unsafe(world: World) -> None:
    pages = [text for text, route in TABLE.items() if route.page and "get" in route.methods]
    assert len(pages) > 20
    for actor in (world["anonymous"], world["organization owner"]):
        for text in [*pages, "admin/"]:
            answer = actor.call("get", world.path(text), TABLE.get(text, page(SIGNED_IN)))
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy, text
            assert "script-src 'self'" in policy, text
            assert "frame-ancestors 'none'" in policy, text


@pytest.mark.parametrize("path", ["/", "/auth/login/", "/api/v0/server/", "/api/v0/nothing/", "/healthz"])
def test_headers_of_every_answer(path: str, alice: User, client: Client) -> None:
    headers = client.get(path).headers
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_http_is_over_behind_tls(client: Client, settings: Any, db: None) -> None:
    settings.HSTS_SECONDS = 1000
    assert client.get("/healthz").headers["Strict-Transport-Security"] == "max-age=1000"


def settings_with(**environment: str) -> dict[str, str]:
    """Settings as they come out of other variables, read in a process of its own."""
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE HSTS_SECONDS SESSION_COOKIE_AGE"
    program = f"from valohai_app import settings as s; [print(getattr(s, n)) for n in {names.split()!r}]"
    base = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "only-for-this",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, env={**base, **environment}, check=True, capture_output=True, text=True
    )  # fmt: skip
    return dict(zip(names.split(), done.stdout.split(), strict=True))


def test_cookies_behind_tls() -> None:
    found = settings_with(URL_BASE="https://mlops.example.com", SESSION_HOURS="8")
    assert found["SESSION_COOKIE_NAME"] == "__Host-sessionid"
    assert found["CSRF_COOKIE_NAME"] == "__Host-csrftoken"
    assert (found["SESSION_COOKIE_SECURE"], found["CSRF_COOKIE_SECURE"]) == ("True", "True")
    assert found["HSTS_SECONDS"] == str(365 * 24 * 3600)
    assert found["SESSION_COOKIE_AGE"] == str(8 * 3600)


def test_cookies_without_tls() -> None:
    found = settings_with(URL_BASE="http://10.0.0.1:8000", HSTS_SECONDS="5")
    assert (found["SESSION_COOKIE_NAME"], found["SESSION_COOKIE_SECURE"]) == ("sessionid", "False")
    assert found["HSTS_SECONDS"] == "0"


def test_the_session_cookie_is_not_for_scripts_or_other_sites(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post("/auth/login/", {"username": "alice", "password": "x"})
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == settings.CSRF_COOKIE_SAMESITE == "Lax"
