import re

from django.test import Client

from accounts.models import ApiToken, User
from common import clock

TOKENS = "/auth/tokens/"


def secret_in(text: str) -> str:
    found = re.search(r'id="new-token">([^<]+)<', text)
    assert found
    return found[1]


def test_new_token_is_shown_once_with_the_command_to_use_it(alice_browser: Client) -> None:
    text = alice_browser.post(TOKENS, {"name": "laptop"}).content.decode()
    secret = secret_in(text)
    assert f"vh login --host http://testserver/ --token {secret}" in text
    assert secret not in alice_browser.get(TOKENS).content.decode()


def test_new_token_opens_the_api(alice_browser: Client, client: Client) -> None:
    secret = secret_in(alice_browser.post(TOKENS, {"name": "laptop"}).content.decode())
    answer = client.get("/api/v0/users/me/", headers={"Authorization": f"Token {secret}"})
    assert answer.status_code == 200
    assert answer.json()["username"] == "alice"


def test_token_works_until_the_end_of_its_last_day(alice_browser: Client, alice: User) -> None:
    today = clock.now().date()
    alice_browser.post(TOKENS, {"name": "today", "expires": today.isoformat()})
    token = alice.api_tokens.get()
    assert token.expires_at is not None
    assert token.expires_at > clock.now()


def test_name_and_a_day_in_the_future_are_asked_for(alice_browser: Client) -> None:
    assert "This field is required" in alice_browser.post(TOKENS, {"name": ""}).content.decode()
    past = alice_browser.post(TOKENS, {"name": "x", "expires": "2001-01-01"}).content.decode()
    assert "not over yet" in past
    assert not ApiToken.objects.exists()


def test_revoked_token_is_gone(alice_browser: Client, alice: User) -> None:
    alice_browser.post(TOKENS, {"name": "laptop"})
    token = alice.api_tokens.get()
    assert alice_browser.post(f"{TOKENS}{token.pk}/revoke/").status_code == 302
    assert not alice.api_tokens.filter(pk=token.pk).exists()


def test_nobody_revokes_anothers_token(alice_browser: Client, charlie_browser: Client, alice: User) -> None:
    alice_browser.post(TOKENS, {"name": "alices-machine"})
    token = alice.api_tokens.get()
    assert charlie_browser.post(f"{TOKENS}{token.pk}/revoke/").status_code == 404
    assert alice.api_tokens.filter(pk=token.pk).exists()
    assert "alices-machine" not in charlie_browser.get(TOKENS).content.decode()
