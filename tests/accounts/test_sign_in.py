"""A password for a token, slowed down for whoever guesses; and links that sign a browser in."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import login_links
from accounts.models import ApiToken, User
from accounts.throttling import PASSWORDS
from common.redis import client as redis_client
from tests.support.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

GET_TOKEN = "/api/v0/get-token/"


def ask(username: str = "alice", password: str = PASSWORD, address: str = "192.0.2.1", **extra: Any) -> Any:
    return Client(REMOTE_ADDR=address).post(GET_TOKEN, {"username": username, "password": password}, **extra)


class TestGetToken:
    def test_takes_a_form_and_json(self, alice: User) -> None:
        body = {"username": "alice", "password": PASSWORD}
        for sent in (
            Client().post(GET_TOKEN, body),
            Client().post(GET_TOKEN, body, content_type="application/json"),
        ):
            assert sent.status_code == 200
            token = sent.json()["token"]
            answer = Client().get("/api/v0/users/me/", headers={"Authorization": f"Token {token}"})
            assert answer.json()["username"] == "alice"

    def test_needs_no_csrf_token_also_with_a_session(self, alice: User) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        assert browser.post(GET_TOKEN, {"username": "alice", "password": PASSWORD}).status_code == 200

    def test_failure_is_a_flat_object_that_says_nothing_of_accounts(self, alice: User) -> None:
        wrong, unknown = ask(password="wrong"), ask(username="nobody")
        assert wrong.status_code == unknown.status_code == 400
        assert wrong.json() == unknown.json()
        assert wrong.json()["code"] == "invalid_credentials"
        assert "password" in wrong.json()["message"]
        assert not ApiToken.objects.exists()

    def test_disabled_users_get_none(self, alice: User) -> None:
        User.objects.update(is_active=False)
        assert ask().status_code == 400

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"username": "alice"},
            {"username": "a\x00", "password": "b"},
            {"username": "x" * 300, "password": "y"},
        ],
    )
    def test_what_is_no_login(self, alice: User, body: dict[str, str]) -> None:
        assert Client().post(GET_TOKEN, body).status_code == 400


class TestThrottling:
    def test_guesses_at_one_account(self, alice: User) -> None:
        for _ in range(PASSWORDS.per_account_and_address):
            assert ask(password="guess").status_code == 400
        refused = ask()
        assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
        assert not ApiToken.objects.exists()
        assert ask(username="ALICE").status_code == 429
        assert ask(address="192.0.2.2").status_code == 200

    def test_guesses_at_one_account_from_everywhere(self, alice: User) -> None:
        for number in range(PASSWORDS.per_account):
            assert ask(password="guess", address=f"198.51.100.{number}").status_code == 400
        assert ask(address="203.0.113.9").status_code == 429

    def test_guesses_at_many_accounts_from_one_address(self, alice: User) -> None:
        for number in range(PASSWORDS.per_address):
            ask(username=f"user{number}", password="guess")
        assert ask().status_code == 429
        assert ask(address="192.0.2.2").status_code == 200

    def test_an_ipv6_network_is_one_address(self, alice: User) -> None:
        for number in range(PASSWORDS.per_account_and_address):
            ask(password="guess", address=f"2001:db8::{number:x}")
        assert ask(address="2001:db8::ffff").status_code == 429
        assert ask(address="2001:db8:0:1::1").status_code == 200

    def test_a_forged_header_is_no_new_address(self, alice: User) -> None:
        for number in range(PASSWORDS.per_account_and_address):
            ask(password="guess", headers={"X-Forwarded-For": f"203.0.113.{number}"})
        assert ask(headers={"X-Forwarded-For": "203.0.113.99"}).status_code == 429

    def test_right_passwords_are_no_guesses(self, alice: User) -> None:
        for _ in range(3 * PASSWORDS.per_account_and_address):
            assert ask().status_code == 200

    def test_the_login_page_counts_too(self, alice: User) -> None:
        for _ in range(PASSWORDS.per_account_and_address):
            ask(password="guess")
        page = Client(REMOTE_ADDR="192.0.2.1").post(
            "/auth/login/", {"username": "alice", "password": PASSWORD}
        )
        assert page.status_code == 429

    def test_ends_by_itself(self, alice: User) -> None:
        ask(password="guess")
        names = redis_client().keys("*login-attempts*")
        assert len(names) == 3
        assert all(0 < redis_client().ttl(name) <= PASSWORDS.window_seconds for name in names)
        assert all(b"alice" not in name and b"192.0.2" not in name for name in names)


class TestLoginLink:
    def test_signs_a_browser_in_once(self, api: Any, alice: User) -> None:
        url = api.get("/api/v0/users/login_link/").json()["url"]
        assert "?" in url
        browser = Client()
        answer = browser.get(f"{url}&next=http://testserver/auth/tokens/")
        assert answer["Location"] == "http://testserver/auth/tokens/"
        assert browser.get("/auth/tokens/").status_code == 200
        second = Client()
        assert second.get(url)["Location"].startswith("/auth/login/")
        assert second.get("/auth/tokens/").status_code == 302

    def test_leads_to_no_other_site(self, api: Any) -> None:
        url = api.get("/api/v0/users/login_link/").json()["url"]
        assert Client().get(f"{url}&next=https://evil.example/")["Location"] == "/"

    def test_does_not_move_anybody_into_another_account(self, api: Any, charlie_browser: Client) -> None:
        url = api.get("/api/v0/users/login_link/").json()["url"]
        charlie_browser.get(url)
        assert charlie_browser.get("/api/v0/users/me/").json()["username"] == "charlie"

    def test_is_worthless_in_redis_and_after_its_time(self, alice: User) -> None:
        code = login_links.create(alice)
        names = redis_client().keys("*login-link*")
        assert len(names) == 1
        assert code.encode() not in names[0]
        assert 0 < redis_client().ttl(names[0]) <= login_links.LIFETIME_SECONDS
        cache.clear()
        assert login_links.redeem(code) is None

    def test_of_somebody_disabled_since(self, alice: User) -> None:
        code = login_links.create(alice)
        User.objects.update(is_active=False)
        assert login_links.redeem(code) is None


def test_server_says_what_it_is_to_anybody() -> None:
    assert Client().get("/api/v0/server/").json()["flavor"] == "valohai"


class TestUsers:
    def test_me(self, api: Any, alice: User) -> None:
        shown = api.get("/api/v0/users/me/").json()
        assert (shown["id"], shown["username"], shown["email"]) == (alice.pk, "alice", "alice@example.com")
        assert isinstance(shown["id"], int)
        assert {"first_name", "last_name"} <= set(shown)
        assert "password" not in shown

    def test_only_those_who_share_something(
        self, api: Any, bob_api: Any, charlie_api: Any, superuser_api: Any
    ) -> None:
        def names(client: Any) -> set[str]:
            return {row["username"] for row in client.get("/api/v0/users/").json()["results"]}

        make_user("dora")
        assert names(api) == {"alice", "bob"}
        assert names(bob_api) == {"alice", "bob"}
        assert names(charlie_api) == {"charlie"}
        assert names(superuser_api) >= {"alice", "bob", "charlie", "dora"}

    def test_addresses_are_shown_to_their_users_and_to_superusers(
        self, api: Any, bob_api: Any, superuser_api: Any
    ) -> None:
        def addresses(client: Any) -> dict[str, str]:
            rows = client.get("/api/v0/users/").json()["results"]
            return {row["username"]: row["email"] for row in rows}

        assert addresses(api) == {"alice": "alice@example.com", "bob": ""}
        assert addresses(bob_api) == {"alice": "", "bob": "bob@example.com"}
        assert addresses(superuser_api)["alice"] == "alice@example.com"
