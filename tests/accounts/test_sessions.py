"""Browsers that are signed in: each is listed, and ends at once, wherever it is ended from."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import background, services, sessions
from accounts.models import User, UserSession
from accounts.web.agents import described
from audit.models import AuditEvent
from common import clock, notices
from tests.support import factories
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN, ME, SECURITY = "/auth/login/", "/api/v0/users/me/", "/auth/security/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Audited = Callable[[str], list[AuditEvent]]


def signed_in(username: str = "alice", address: str = "192.0.2.1", agent: str = FIREFOX) -> Client:
    browser = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    assert browser.post(LOGIN, {"username": username, "password": PASSWORD}).status_code == 302
    return browser


def is_in(browser: Client) -> bool:
    return bool(browser.get(ME).status_code == 200)


def row_of(browser: Client) -> UserSession:
    return UserSession.objects.get(session_key=browser.cookies["sessionid"].value)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The notices that were published."""
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(notices, "publish", lambda topic, kind, **facts: heard.append((topic, kind)))
    return heard


class TestSignIn:
    def test_is_listed_and_recorded(self, alice: User, audited: Audited) -> None:
        acme = factories.make_organization("acme", members=(alice,))
        browser = signed_in()
        row = alice.user_sessions.get()
        assert (row.ip_address, row.user_agent) == ("192.0.2.1", FIREFOX)
        text = browser.get(SECURITY).content.decode()
        assert "Firefox on Linux" in text
        assert "192.0.2.1" in text
        assert "this browser" in text
        (event,) = audited("user.signed_in")
        assert event.after == {"how": "password"}
        assert set(event.owner_ids) == {alice.pk, acme.pk}
        assert (event.ip_address, event.channel) == ("192.0.2.1", "page")

    def test_by_a_link_too(self, api: Any, audited: Audited) -> None:
        browser = Client()
        browser.get(api.get("/api/v0/users/login_link/").json()["url"])
        assert audited("user.signed_in")[0].after == {"how": "login link"}
        assert UserSession.objects.count() == 1

    def test_failures_are_recorded(self, alice: User, audited: Audited) -> None:
        acme = factories.make_organization("acme", members=(alice,))
        for username in ("alice", "nobody"):
            Client(REMOTE_ADDR="192.0.2.1").post(LOGIN, {"username": username, "password": "guess"})
        known, unknown = audited("user.sign_in_failed")
        assert (known.actor_id, known.target_id, set(known.owner_ids)) == (
            None,
            str(alice.pk),
            {alice.pk, acme.pk},
        )
        assert (unknown.target_id, unknown.target_name, unknown.owner_ids) == ("", "nobody", [])
        assert known.ip_address == "192.0.2.1"
        assert all("guess" not in str(event.__dict__) for event in (known, unknown))
        assert not UserSession.objects.exists()

    def test_only_as_many_failures_as_are_let_through(self, alice: User, audited: Audited) -> None:
        for _ in range(15):
            Client().post(LOGIN, {"username": "alice", "password": "guess"})
        assert len(audited("user.sign_in_failed")) == 10

    def test_costs_the_same_queries_for_nobody(self, alice: User) -> None:
        def cost(username: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                Client().post(LOGIN, {"username": username, "password": "guess"})
            return len(queries)

        assert cost("alice") == cost("nobody")

    def test_a_planted_key_is_worth_nothing(self, alice: User) -> None:
        planted = SessionStore()
        planted["x"] = 1
        planted.save()
        browser = Client()
        browser.cookies["sessionid"] = planted.session_key
        browser.post(LOGIN, {"username": "alice", "password": PASSWORD})
        assert browser.cookies["sessionid"].value != planted.session_key
        assert not sessions.is_open(planted.session_key)


class TestSignOut:
    def test_here(self, alice: User, audited: Audited) -> None:
        browser = signed_in()
        browser.post("/auth/logout/")
        assert not is_in(browser)
        assert not alice.user_sessions.exists()
        assert audited("user.signed_out")[0].actor_name == "alice"

    def test_of_nobody_is_nothing(self, audited: Audited) -> None:
        assert Client().post("/auth/logout/").status_code == 302
        assert not audited("user.signed_out")

    def test_another_one_at_once(
        self, alice: User, letters: Any, told: list[tuple[str, str]], audited: Audited
    ) -> None:
        here, there, elsewhere = signed_in(), signed_in(address="192.0.2.2"), signed_in(address="192.0.2.3")
        assert is_in(there)  # it is in the cache now
        told.clear()
        here.post(f"/auth/sessions/{row_of(there).pk}/end/")
        assert not is_in(there)
        assert is_in(here)
        assert is_in(elsewhere)
        assert told == [(f"access:{alice.pk}", "changed")]
        (event,) = audited("user.session_ended")
        assert event.before["ip_address"] == "192.0.2.2"

    def test_everywhere_else(self, alice: User, charlie: User, letters: Any, audited: Audited) -> None:
        here, there, elsewhere, others = signed_in(), signed_in(), signed_in(), signed_in("charlie")
        here.post("/auth/sessions/end-others/")
        assert [is_in(browser) for browser in (here, there, elsewhere, others)] == [True, False, False, True]
        assert alice.user_sessions.count() == 1
        assert audited("user.sessions_ended")[0].after == {"count": 2}

    def test_the_current_one_from_the_list(self, alice: User) -> None:
        here = signed_in()
        assert here.post(f"/auth/sessions/{row_of(here).pk}/end/")["Location"] == LOGIN
        assert not is_in(here)

    def test_nobody_ends_anothers(self, alice: User, charlie: User, letters: Any) -> None:
        mine, theirs = signed_in(), signed_in("charlie")
        assert theirs.post(f"/auth/sessions/{row_of(mine).pk}/end/").status_code == 404
        assert is_in(mine)

    def test_disabling_a_user_ends_them_for_good(
        self, alice: User, superuser: User, letters: Any, told: list[tuple[str, str]]
    ) -> None:
        browser = signed_in()
        told.clear()
        services.disable_user(user=alice, actor=superuser)
        assert not is_in(browser)
        assert (f"access:{alice.pk}", "changed") in told
        services.enable_user(user=alice, actor=superuser)
        assert not is_in(browser)

    def test_revoking_a_token_is_told_to_open_connections(
        self, alice: User, letters: Any, told: list[tuple[str, str]]
    ) -> None:
        token, _ = services.create_api_token(user=alice, name="x")
        services.revoke_api_token(token=token, actor=alice)
        assert told == [(f"access:{alice.pk}", "changed")]

    def test_a_copy_that_came_back_into_the_cache_ends_at_its_next_look(self, alice: User) -> None:
        browser = signed_in()
        is_in(browser)
        key = browser.cookies["sessionid"].value
        Session.objects.all().delete()  # the row is gone, the copy in the cache is not
        cache.delete(f"session-seen:{key}")
        browser.get(ME)
        assert not is_in(browser)


class TestLastSeen:
    def test_is_written_once_a_minute(self, alice: User) -> None:
        browser = signed_in()
        is_in(browser)
        alice.refresh_from_db()
        first = row_of(browser).last_seen_at
        assert alice.last_active_at
        is_in(browser)
        assert row_of(browser).last_seen_at == first
        cache.delete(f"session-seen:{browser.cookies['sessionid'].value}")
        is_in(browser)
        assert row_of(browser).last_seen_at > first

    def test_costs_no_query_otherwise(self, alice: User) -> None:
        browser = signed_in()
        is_in(browser)
        with CaptureQueriesContext(connection) as queries:
            is_in(browser)
        assert len(queries) == 1  # the user

    def test_tokens_count_for_the_user(self, alice: User) -> None:
        _, secret = services.create_api_token(user=alice, name="x")
        Client().get(ME, headers={"Authorization": f"Token {secret}"})
        alice.refresh_from_db()
        assert alice.last_active_at

    def test_a_session_from_before_is_listed_from_its_next_use(self, alice: User) -> None:
        browser = Client()
        browser.force_login(alice)
        assert not alice.user_sessions.exists()
        is_in(browser)
        assert alice.user_sessions.count() == 1

    def test_a_token_beside_the_session_is_not_mixed_up_with_it(self, alice: User, charlie: User) -> None:
        browser = signed_in()
        _, secret = services.create_api_token(user=charlie, name="x")
        browser.get(ME, headers={"Authorization": f"Token {secret}"})
        assert not charlie.user_sessions.exists()

    def test_public_answers_do_not_depend_on_the_session(self, alice: User) -> None:
        answer = signed_in().get("/healthz")
        assert "Cookie" not in answer.get("Vary", "")


def test_ended_sessions_are_cleaned_away(alice: User) -> None:
    kept, ended = signed_in(), signed_in()
    Session.objects.filter(session_key=ended.cookies["sessionid"].value).update(
        expire_date=clock.now() - timedelta(days=1)
    )
    assert "192.0.2.1" in kept.get(SECURITY).content.decode()
    background.remove_ended_sessions()
    assert alice.user_sessions.get() == row_of(kept)
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) AppleWebKit/605 Version/18 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5", "curl"),
        ("something else", "something else"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_have_names(agent: str, words: str) -> None:
    assert described(agent) == words
