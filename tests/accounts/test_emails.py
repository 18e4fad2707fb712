"""E-mail addresses: claimed by typing them, proved by the link of a letter, never taken from somebody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts import throttling
from accounts.models import EmailAddress, User
from accounts.services import emails as service
from audit.models import AuditEvent
from common import clock
from tests.accounts.conftest import SITE
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db

EMAILS = "/auth/emails/"
Letters = list[EmailMessage]
Audited = Callable[[str], list[AuditEvent]]


def add(browser: Client, email: str = "second@example.com", password: str = PASSWORD) -> Any:
    return browser.post(EMAILS, {"email": email, "password": password})


def link_in(letter: EmailMessage) -> str:
    found = re.search(rf"{re.escape(SITE)}(/\S+)", str(letter.body))
    assert found
    return found[1]


def second(user: User) -> EmailAddress:
    return user.email_addresses.get(is_primary=False)


class TestAdding:
    def test_letter_link_verified(
        self, alice: User, alice_browser: Client, letters: Letters, audited: Audited
    ) -> None:
        assert add(alice_browser).status_code == 302
        assert [letter.to for letter in letters] == [["second@example.com"]]
        assert second(alice).verified_at is None
        link = link_in(letters[0])
        assert "second@example.com" in alice_browser.get(link).content.decode()
        assert second(alice).verified_at is None, "opening the link is not enough: programs do that, too"
        assert alice_browser.post(link)["Location"] == EMAILS
        assert second(alice).verified_at
        assert letters[1].to == ["alice@example.com"]
        assert "second@example.com is now an address" in str(letters[1].body)
        alice.refresh_from_db()
        assert alice.email == "alice@example.com"
        assert len(audited("user.email_added")) == len(audited("user.email_verified")) == 1
        alice_browser.post(link)  # again: nothing more happens
        assert len(audited("user.email_verified")) == 1

    def test_needs_the_password(self, alice: User, alice_browser: Client, letters: Letters) -> None:
        assert "not your password" in add(alice_browser, password="guess").content.decode()
        assert alice.email_addresses.count() == 1
        assert not letters

    @pytest.mark.parametrize(
        "email", ["nonsense", "a@b@c", "m\u0131ke@example.com", "a@ex\u0430mple.com", "alice@EXAMPLE.com"]
    )
    def test_what_is_refused(self, alice: User, alice_browser: Client, letters: Letters, email: str) -> None:
        assert add(alice_browser, email).status_code == 400
        assert alice.email_addresses.count() == 1
        assert not letters

    def test_there_is_a_limit(self, alice: User, alice_browser: Client) -> None:
        for number in range(service.MOST - 1):
            alice.email_addresses.create(email=f"{number}@example.com")
        assert "limit" in add(alice_browser).content.decode()
        assert alice.email_addresses.count() == service.MOST

    def test_letters_are_slowed_down(self, alice: User, alice_browser: Client, letters: Letters) -> None:
        add(alice_browser)
        for _ in range(20):
            alice_browser.post(f"{EMAILS}{second(alice).pk}/send/")
        assert len(letters) == throttling.LETTERS.per_account

    def test_without_its_own_address_the_platform_sends_no_links(
        self, alice: User, alice_browser: Client, letters: Letters, settings: Any
    ) -> None:
        settings.URL_BASE = ""
        settings.ALLOWED_HOSTS = ["*"]
        answer = alice_browser.post(
            EMAILS, {"email": "second@example.com", "password": PASSWORD}, headers={"host": "evil.example"}
        )
        assert "URL_BASE" in answer.content.decode()
        assert not letters
        assert alice.email_addresses.count() == 1


class TestSomebodyElses:
    def test_claiming_it_tells_nothing_and_takes_nothing(
        self, alice: User, charlie: User, alice_browser: Client, charlie_browser: Client, letters: Letters
    ) -> None:
        free, taken = add(charlie_browser, "free@example.com"), add(charlie_browser, "alice@example.com")
        assert free.status_code == taken.status_code == 302
        link = link_in(letters[1])
        # Alice gets that letter. As herself she verifies nothing for Charlie.
        assert "another account" in alice_browser.post(link, follow=True).content.decode()
        # Even the link in Charlie's hands does not take what Alice has proved.
        answer = charlie_browser.post(link, follow=True)
        assert "verified for another account" in answer.content.decode()
        assert not charlie.email_addresses.filter(
            email="alice@example.com", verified_at__isnull=False
        ).exists()
        assert alice.email_addresses.get().verified_at

    def test_two_claim_and_the_first_proof_wins(
        self, alice_browser: Client, charlie_browser: Client, letters: Letters
    ) -> None:
        add(alice_browser, "shared@example.com")
        add(charlie_browser, "Shared@example.com")
        charlie_browser.post(link_in(letters[1]))
        alice_browser.post(link_in(letters[0]))
        owner = EmailAddress.objects.get(email__iexact="shared@example.com", verified_at__isnull=False).user
        assert owner.username == "charlie"

    @pytest.mark.parametrize("action", ["send", "primary", "remove"])
    def test_nobody_reaches_anothers_address(
        self, alice: User, charlie_browser: Client, action: str, letters: Letters
    ) -> None:
        email = alice.email_addresses.create(email="x@example.com", verified_at=clock.now())
        assert charlie_browser.post(f"{EMAILS}{email.pk}/{action}/").status_code == 404
        assert alice.email_addresses.count() == 2
        assert not letters


class TestLinks:
    def test_forged_ones(self, alice_browser: Client, letters: Letters, alice: User) -> None:
        add(alice_browser)
        link = link_in(letters[0])
        for forged in (f"{link[:-3]}AA/", f"{EMAILS}verify/x/", f"{EMAILS}verify/%00/"):
            answer = alice_browser.post(forged, follow=True)
            assert "not complete" in answer.content.decode()
        assert second(alice).verified_at is None

    def test_old_ones(
        self, alice_browser: Client, letters: Letters, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add(alice_browser)
        monkeypatch.setattr(service, "LINK_SECONDS", -1)
        assert "older than a day" in alice_browser.post(link_in(letters[0]), follow=True).content.decode()
        assert second(alice).verified_at is None

    def test_of_an_address_that_was_removed(
        self, alice_browser: Client, letters: Letters, alice: User
    ) -> None:
        add(alice_browser)
        alice_browser.post(f"{EMAILS}{second(alice).pk}/remove/")
        assert "was removed" in alice_browser.post(link_in(letters[0]), follow=True).content.decode()
        assert alice.email_addresses.count() == 1

    def test_lead_to_the_login_first(self, letters: Letters, alice_browser: Client) -> None:
        add(alice_browser)
        link = link_in(letters[0])
        assert Client().get(link)["Location"].startswith("/auth/login/?next=/auth/emails/verify/")

    def test_on_proved_tells_higher_apps(
        self, alice: User, alice_browser: Client, letters: Letters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard: list[tuple[str, str]] = []
        monkeypatch.setattr(service, "on_proved", [lambda user, email: heard.append((user.username, email))])
        add(alice_browser)
        alice_browser.post(link_in(letters[0]))
        assert heard == [("alice", "second@example.com")]


class TestPrimaryAndRemoval:
    @pytest.fixture
    def other(self, alice: User) -> EmailAddress:
        return alice.email_addresses.create(email="other@example.com", verified_at=clock.now())

    def test_the_old_primary_is_told(
        self, alice: User, alice_browser: Client, other: EmailAddress, letters: Letters, audited: Audited
    ) -> None:
        alice_browser.post(f"{EMAILS}{other.pk}/primary/")
        alice.refresh_from_db()
        assert alice.email == "other@example.com"
        assert alice.email_addresses.get(is_primary=True) == other
        assert letters[0].to == ["alice@example.com"]
        assert "other@example.com is now the primary" in str(letters[0].body)
        (event,) = audited("user.primary_email_changed")
        assert (event.before, event.after) == (
            {"email": "alice@example.com"},
            {"email": "other@example.com"},
        )

    def test_one_that_is_not_verified_cannot_be_primary(self, alice: User, alice_browser: Client) -> None:
        claimed = alice.email_addresses.create(email="claimed@example.com")
        alice_browser.post(f"{EMAILS}{claimed.pk}/primary/")
        alice.refresh_from_db()
        assert alice.email == "alice@example.com"

    def test_removal_is_told_and_recorded(
        self, alice: User, alice_browser: Client, other: EmailAddress, letters: Letters, audited: Audited
    ) -> None:
        alice_browser.post(f"{EMAILS}{other.pk}/remove/")
        assert alice.email_addresses.count() == 1
        assert letters[0].to == ["alice@example.com"]
        assert audited("user.email_removed")

    def test_the_primary_one_stays(
        self, alice: User, alice_browser: Client, other: EmailAddress, letters: Letters
    ) -> None:
        primary = alice.email_addresses.get(is_primary=True)
        alice_browser.post(f"{EMAILS}{primary.pk}/remove/")
        assert alice.email_addresses.count() == 2
        assert not letters

    def test_the_last_verified_one_stays(
        self, alice: User, alice_browser: Client, other: EmailAddress
    ) -> None:
        alice.email_addresses.filter(is_primary=True).update(verified_at=None)
        alice_browser.post(f"{EMAILS}{other.pk}/remove/")
        assert alice.email_addresses.count() == 2

    def test_the_first_verified_address_of_somebody_without_one_is_primary(
        self, alice: User, alice_browser: Client, letters: Letters
    ) -> None:
        alice.email_addresses.all().delete()
        User.objects.update(email="")
        add(alice_browser)
        alice_browser.post(link_in(letters[0]))
        alice.refresh_from_db()
        assert alice.email == "second@example.com"
        assert alice.email_addresses.get().is_primary


def test_links_are_good_for_a_day() -> None:
    assert timedelta(seconds=service.LINK_SECONDS) == timedelta(days=1)
