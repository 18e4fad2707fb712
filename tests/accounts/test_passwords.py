"""Passwords: changed, forgotten, and reset by a letter that tells strangers nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError as BrokerError

from accounts import background, reset_links, services, throttling
from accounts.errors import NotSuperuser
from accounts.models import User
from audit.models import AuditEvent
from tests.accounts.conftest import SITE
from tests.support.factories import PASSWORD, make_user
from valohai_app.celery import app

pytestmark = pytest.mark.django_db

ASK, CHANGE, ME = "/auth/reset/", "/auth/security/password/", "/api/v0/users/me/"
NEW = "a completely new secret"
Letters = list[EmailMessage]
Audited = Callable[[str], list[AuditEvent]]


def ask(email: str = "alice@example.com", address: str = "192.0.2.1", **extra: Any) -> Any:
    return Client(REMOTE_ADDR=address).post(ASK, {"email": email}, **extra)


def set_new(link: str, password: str = NEW, again: str = "") -> Any:
    return Client().post(link, {"password": password, "again": again or password})


def link_in(letter: EmailMessage) -> str:
    found = re.search(rf"{re.escape(SITE)}(/auth/reset/\S+)", str(letter.body))
    assert found
    return found[1]


class TestReset:
    def test_letter_link_new_password(
        self, alice: User, alice_browser: Client, letters: Letters, audited: Audited
    ) -> None:
        assert alice_browser.get(ME).status_code == 200
        assert ask().status_code == 200
        (letter,) = letters
        assert letter.to == ["alice@example.com"]
        answer = set_new(link_in(letter))
        assert answer["Location"] == "/auth/login/"
        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert alice_browser.get(ME).status_code == 401, "every session ends"
        assert not alice.user_sessions.exists()
        assert "password of your account was changed" in str(letters[1].body)
        (event,) = audited("user.password_reset")
        assert (event.actor_name, event.target_name) == ("alice", "alice")
        assert NEW not in str(event.after)
        assert audited("user.password_reset_requested")[0].ip_address == "192.0.2.1"

    def test_the_answer_and_the_work_are_the_same_for_nobody(self, alice: User, letters: Letters) -> None:
        ask("warm@example.com")
        bodies, counts = [], []
        for email in ("alice@example.com", "nobody@example.com"):
            with CaptureQueriesContext(connection) as queries:
                # What Celery does later is not part of the answer.
                answer = _without_celery(lambda email=email: ask(email, "192.0.2.7"))
            bodies.append(re.sub(f'{email}|content="[^"]*"', "", answer.content.decode()))
            counts.append(len(queries))
        assert bodies[0] == bodies[1]
        assert counts[0] == counts[1]

    def test_who_gets_no_letter(self, alice: User, letters: Letters) -> None:
        alice.email_addresses.create(email="claimed@example.com")
        make_user("dora", is_active=False)
        make_user("sso").set_unusable_password()
        User.objects.filter(username="sso").update(password="!x")
        for email in ("claimed@example.com", "dora@example.com", "sso@example.com", "nobody@example.com"):
            assert ask(email).status_code == 200
        assert not letters

    def test_it_goes_to_the_address_as_it_was_proved(self, alice: User, letters: Letters) -> None:
        ask("ALICE@EXAMPLE.com")
        assert letters[0].to == ["alice@example.com"]

    @pytest.mark.parametrize(
        "email", ["nonsense", "al\u0131ce@example.com", "alice@example.com\nCc: x@y.com"]
    )
    def test_what_is_no_address(self, alice: User, email: str, letters: Letters) -> None:
        assert ask(email).status_code in (200, 400)
        assert not [letter for letter in letters if letter.to != ["alice@example.com"]]

    def test_a_forged_host_does_not_get_into_the_letter(
        self, alice: User, letters: Letters, settings: Any
    ) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        ask(headers={"host": "evil.example"})
        assert "evil.example" not in str(letters[0].body)
        settings.URL_BASE = ""
        assert "URL_BASE" in ask(headers={"host": "evil.example"}).content.decode()
        assert len(letters) == 1
        assert ask(headers={"host": "localhost:8000"}).status_code == 200
        assert "http://localhost:8000/auth/reset/" in str(letters[1].body)

    def test_is_slowed_down_per_account_and_per_address(self, alice: User, letters: Letters) -> None:
        answers = [ask().status_code for _ in range(throttling.RESETS.per_account_and_address + 1)]
        assert answers[-2:] == [200, 429]
        for number in range(20):
            ask(address=f"198.51.100.{number}")
        assert len(letters) < throttling.RESETS.per_account + 1
        for number in range(30):
            ask(f"somebody{number}@example.com", "203.0.113.5")
        assert ask("bob@example.com", "203.0.113.5").status_code == 429


def _without_celery(act: Callable[[], Any]) -> Any:
    app.conf.task_always_eager = False
    try:
        return act()
    finally:
        app.conf.task_always_eager = True


class TestResetLinks:
    @pytest.fixture
    def link(self, alice: User) -> str:
        return f"{ASK}{reset_links.make(alice)}/"

    def assert_refused(self, alice: User, link: str) -> None:
        assert Client().get(link).status_code == 400
        assert set_new(link).status_code == 400
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)

    def test_good_once(self, alice: User, link: str) -> None:
        assert set_new(link).status_code == 302
        assert set_new(link, "yet another secret").status_code == 400
        alice.refresh_from_db()
        assert alice.check_password(NEW)

    def test_forged(self, alice: User, charlie: User, link: str) -> None:
        proof = link.split("-", 1)[1]
        other_ending = "1" if link.endswith("0/") else "0"
        for forged in (
            f"{ASK}x/", f"{ASK}1-2-3/", f"{link[:-2]}{other_ending}/", f"{ASK}zzzzzzzzzzzzzzzzzz-{proof}",
            f"{ASK}{reset_links.make(charlie).partition('-')[0]}-{proof}", f"{ASK}\u00e9-{proof}",
        ):  # fmt: skip
            self.assert_refused(alice, forged)
        charlie.refresh_from_db()
        assert charlie.check_password(PASSWORD)

    def test_too_old(self, alice: User, link: str, settings: Any) -> None:
        settings.PASSWORD_RESET_TIMEOUT = -1
        self.assert_refused(alice, link)

    def test_of_before_a_login(self, alice: User, link: str) -> None:
        Client().post("/auth/login/", {"username": "alice", "password": PASSWORD})
        self.assert_refused(alice, link)

    def test_of_somebody_disabled_since(self, alice: User, link: str) -> None:
        User.objects.update(is_active=False)
        self.assert_refused(alice, link)

    def test_signed_with_another_key(self, alice: User) -> None:
        generator = PasswordResetTokenGenerator()
        generator.secret = "another key"
        pk = reset_links.make(alice).partition("-")[0]
        self.assert_refused(alice, f"{ASK}{pk}-{generator.make_token(alice)}/")

    def test_bad_passwords_leave_the_link_good(self, alice: User, link: str) -> None:
        assert "too short" in set_new(link, "short").content.decode()
        assert "not the same" in set_new(link, NEW, "other").content.decode()
        assert "too similar" in set_new(link, "alice@example.com").content.decode()
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)
        assert set_new(link).status_code == 302

    def test_signs_nobody_in(self, link: str) -> None:
        browser = Client()
        browser.post(link, {"password": NEW, "again": NEW})
        assert browser.get(ME).status_code == 401


class TestChange:
    def change(self, browser: Client, current: str = PASSWORD, new: str = NEW) -> Any:
        return browser.post(CHANGE, {"current": current, "password": new, "again": new})

    def test_this_browser_stays_and_others_go(self, alice: User, letters: Letters, audited: Audited) -> None:
        here, there = (signed_in() for _ in range(2))
        old_key = here.cookies["sessionid"].value
        assert self.change(here).status_code == 302
        assert here.get(ME).status_code == 200
        assert here.cookies["sessionid"].value != old_key
        assert there.get(ME).status_code == 401
        assert alice.user_sessions.get().session_key == here.cookies["sessionid"].value
        assert letters[0].to == ["alice@example.com"]
        assert audited("user.password_changed")

    def test_needs_the_current_one(self, alice: User, letters: Letters, audited: Audited) -> None:
        browser = signed_in()
        answer = self.change(browser, current="guess")
        assert answer.status_code == 400
        assert 'id="id_current_error"' in answer.content.decode()
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)
        assert not letters
        assert audited("user.confirmation_failed")[0].actor_name == "alice"

    def test_guesses_are_slowed_down(self, alice: User) -> None:
        browser = signed_in()
        for _ in range(throttling.PASSWORDS.per_account_and_address):
            self.change(browser, current="guess")
        assert self.change(browser).status_code == 429
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)

    def test_weak_ones_are_refused(self, alice: User) -> None:
        assert "too short" in self.change(signed_in(), new="short").content.decode()

    def test_of_somebody_else_is_for_superusers(
        self, alice: User, charlie: User, superuser: User, letters: Letters, audited: Audited
    ) -> None:
        with pytest.raises(NotSuperuser):
            services.set_password(user=alice, actor=charlie, new=NEW)
        services.set_password(user=alice, actor=superuser, new=NEW)
        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert audited("user.password_set")[0].actor_name == "root"
        assert letters[0].to == ["alice@example.com"]


class TestOnTheAdministrationSite:
    def set_password(self, superuser: User, user: User, again: str = NEW) -> Client:
        browser = Client()
        browser.force_login(superuser)
        form = {"usable_password": "true", "password1": NEW, "password2": again}
        browser.post(reverse("admin:auth_user_password_change", args=[user.pk]), form)
        return browser

    def test_is_told_as_any_other(
        self, alice: User, superuser: User, letters: Letters, audited: Audited
    ) -> None:
        other = signed_in()
        self.set_password(superuser, alice)
        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert [row.actor_name for row in audited("user.password_set")] == ["root"]
        assert [letter.to for letter in letters] == [["alice@example.com"]]
        assert not alice.user_sessions.exists()
        assert other.get("/api/v0/users/me/").status_code == 401

    def test_refused_ones_are_not(
        self, alice: User, superuser: User, letters: Letters, audited: Audited
    ) -> None:
        self.set_password(superuser, alice, again="something else")
        assert not letters
        assert not audited("user.password_set")

    def test_of_oneself_keeps_the_browser(self, superuser: User) -> None:
        browser = self.set_password(superuser, superuser)
        assert browser.get("/api/v0/users/me/").status_code == 200


def signed_in() -> Client:
    browser = Client()
    assert browser.post("/auth/login/", {"username": "alice", "password": PASSWORD}).status_code == 302
    return browser


def test_a_broker_that_is_away_is_told_to_everybody_alike(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: Any, **options: Any) -> None:
        raise BrokerError

    monkeypatch.setattr(background.send_reset_letter, "apply_async", away)
    for email in ("alice@example.com", "nobody@example.com"):
        answer = ask(email)
        assert answer.status_code == 503
        assert "Try again" in answer.content.decode()
