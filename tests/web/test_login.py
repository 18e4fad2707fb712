import pytest
from django.test import Client

from accounts.models import User
from tests.support.factories import PASSWORD

LOGIN = "/auth/login/"


def log_in(client: Client, **fields: str):
    return client.post(LOGIN, {"username": "alice", "password": PASSWORD, **fields})


def test_login_leads_home(client: Client, alice: User) -> None:
    answer = log_in(client)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.get("/").status_code == 200


def test_login_leads_where_one_wanted_to_go(client: Client, alice: User) -> None:
    assert log_in(client, next="/auth/tokens/")["Location"] == "/auth/tokens/"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_login_never_leads_to_another_site(elsewhere: str, client: Client, alice: User) -> None:
    assert log_in(client, next=elsewhere)["Location"] == "/"


def test_wrong_password_is_told_without_saying_which_half_is_wrong(client: Client, alice: User) -> None:
    wrong_password = log_in(client, password="nonsense").content.decode()
    unknown_user = log_in(client, username="nobody").content.decode()
    assert "notice-error" in wrong_password
    assert "notice-error" in unknown_user
    assert "nonsense" not in wrong_password
    assert client.get("/").status_code == 302


def test_inactive_user_cannot_log_in(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert log_in(client).status_code != 302


def test_login_needs_its_csrf_token(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(LOGIN, {"username": "alice", "password": PASSWORD}).status_code == 403


def test_repeated_failures_are_slowed_down(client: Client, alice: User) -> None:
    answers = [log_in(client, password=f"guess {number}").status_code for number in range(30)]
    assert 429 in answers
    assert client.get("/").status_code == 302


def test_logout_ends_the_session_and_only_by_post(alice_browser: Client) -> None:
    assert alice_browser.get("/auth/logout/").status_code == 405
    assert alice_browser.post("/auth/logout/").status_code == 302
    assert alice_browser.get("/").status_code == 302
