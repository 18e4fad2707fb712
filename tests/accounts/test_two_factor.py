"""Two-factor authentication: set up by a code, asked for at each login, never twice by the same code."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection, connections
from django.test import Client

from accounts import services, signing_in, throttling, totp
from accounts.errors import NotSuperuser, TwoFactorState, WrongCode
from accounts.models import ApiToken, RecoveryCode, TotpDevice, User
from accounts.selectors import has_2fa
from audit.models import AuditEvent
from common import clock
from tests.support import factories
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN, CODE, ME = "/auth/login/", "/auth/code/", "/api/v0/users/me/"
TWO_FACTOR = "/auth/security/two-factor/"
Letters = list[EmailMessage]
Audited = Callable[[str], list[AuditEvent]]


class Phone:
    """An authenticator app with a clock that tests can move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: datetime = clock.now()
        self.seed = ""
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def code(self, steps: int = 0) -> str:
        return totp.code_at(self.seed, self.now + timedelta(seconds=steps * totp.STEP_SECONDS))

    def wait(self, steps: int = 1) -> None:
        self.now += timedelta(seconds=steps * totp.STEP_SECONDS)


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch, alice: User, alice_browser: Client) -> Phone:
    return Phone(monkeypatch)


@pytest.fixture
def codes(phone: Phone, alice: User) -> list[str]:
    """Alice has a second factor; these are her recovery codes. The code of this moment is used up."""
    phone.seed = services.begin_two_factor(user=alice, password=PASSWORD, address="").seed
    found = services.confirm_two_factor(user=alice, code=phone.code(), address="")
    phone.wait()
    return found


@pytest.fixture
def browser() -> Client:
    return Client(REMOTE_ADDR="192.0.2.1")


@pytest.fixture
def redis_away(settings: Any) -> None:
    """Nothing answers where the cache should be."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}


def first_step(browser: Client, **fields: str) -> Any:
    return browser.post(LOGIN, {"username": "alice", "password": PASSWORD, **fields})


def is_in(browser: Client) -> bool:
    return bool(browser.get(ME).status_code == 200)


class TestSetup:
    def test_in_the_browser(
        self, alice: User, alice_browser: Client, phone: Phone, letters: Letters, audited: Audited
    ) -> None:
        assert alice_browser.post(TWO_FACTOR, {"password": PASSWORD})["Location"] == f"{TWO_FACTOR}confirm/"
        page = alice_browser.get(f"{TWO_FACTOR}confirm/").content.decode()
        assert 'src="data:image/svg+xml' in page
        phone.seed = re.search(r'id="totp-seed">([^<]+)<', page)[1].replace(" ", "")  # type: ignore[index]
        assert not has_2fa(alice), "not before a code has proved that the app has it"
        done = alice_browser.post(
            f"{TWO_FACTOR}confirm/", {"code": f" {phone.code()[:3]} {phone.code()[3:]}"}
        )
        shown = re.search(r'class="recovery-codes">([^<]+)<', done.content.decode())
        assert shown
        codes = shown[1].split()
        assert len(codes) == len(set(codes)) == totp.RECOVERY_CODES
        assert has_2fa(alice)
        assert alice_browser.get(f"{TWO_FACTOR}confirm/").status_code == 302, "shown once"
        assert "switched on" in str(letters[0].body)
        assert audited("user.two_factor_enabled")

    def test_needs_the_password(self, alice: User, alice_browser: Client) -> None:
        assert alice_browser.post(TWO_FACTOR, {"password": "guess"}).status_code == 400
        assert not TotpDevice.objects.exists()

    def test_a_wrong_code_switches_nothing_on(self, alice: User, alice_browser: Client, phone: Phone) -> None:
        alice_browser.post(TWO_FACTOR, {"password": PASSWORD})
        assert alice_browser.post(f"{TWO_FACTOR}confirm/", {"code": "000000"}).status_code in (200, 400)
        assert not has_2fa(alice)
        assert not RecoveryCode.objects.exists()

    def test_cannot_replace_one_that_is_on(
        self, alice: User, codes: list[str], alice_browser: Client
    ) -> None:
        seed = TotpDevice.objects.get().seed
        assert alice_browser.post(TWO_FACTOR, {"password": PASSWORD}).status_code == 400
        device = TotpDevice.objects.get()
        assert (device.seed, device.confirmed_at is not None) == (seed, True)

    def test_nothing_readable_is_stored(self, codes: list[str], phone: Phone) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT seed FROM accounts_totpdevice")
            assert phone.seed not in cursor.fetchone()[0]
            cursor.execute("SELECT digest FROM accounts_recoverycode")
            stored = {row[0] for row in cursor.fetchall()}
        assert not any(
            code in digest or code.replace("-", "") in digest for code in codes for digest in stored
        )
        assert all(phone.seed not in str(event.__dict__) for event in AuditEvent.objects.all())


class TestLogin:
    def test_password_then_code(
        self, codes: list[str], phone: Phone, browser: Client, audited: Audited, alice: User
    ) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        answer = first_step(browser, next="/auth/tokens/")
        assert answer["Location"] == f"{CODE}?next=%2Fauth%2Ftokens%2F"
        assert not is_in(browser)
        key = browser.cookies["sessionid"].value
        done = browser.post(CODE, {"code": phone.code(), "next": "/auth/tokens/"})
        assert done["Location"] == "/auth/tokens/"
        assert is_in(browser)
        assert browser.cookies["sessionid"].value != key
        (event,) = audited("user.signed_in")
        assert event.after == {"how": "password and code"}
        assert acme.pk in event.owner_ids
        assert event.ip_address == "192.0.2.1"

    def test_the_first_step_gives_a_new_session_key(self, codes: list[str], browser: Client) -> None:
        session = browser.session
        session["planted"] = True
        session.save()
        planted = session.session_key
        browser.cookies["sessionid"] = planted
        first_step(browser)
        assert browser.cookies["sessionid"].value != planted

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_leads_to_no_other_site(
        self, codes: list[str], phone: Phone, browser: Client, elsewhere: str
    ) -> None:
        assert "evil" not in first_step(browser, next=elsewhere)["Location"]
        done = browser.post(f"{CODE}?next={elsewhere}", {"code": phone.code(), "next": elsewhere})
        assert done["Location"] == "/"

    def test_a_code_is_good_once(self, codes: list[str], phone: Phone, browser: Client) -> None:
        code = phone.code()
        first_step(browser)
        browser.post(CODE, {"code": code})
        thief = Client(REMOTE_ADDR="203.0.113.9")
        first_step(thief)
        assert thief.post(CODE, {"code": code}).status_code == 400
        assert not is_in(thief)

    def test_nor_is_an_earlier_one_after_a_later_one(
        self, codes: list[str], phone: Phone, browser: Client
    ) -> None:
        phone.wait(2)
        first_step(browser)
        browser.post(CODE, {"code": phone.code(+1)})
        thief = Client()
        first_step(thief)
        for steps in (-1, 0, 1):
            thief.post(CODE, {"code": phone.code(steps)})
        assert not is_in(thief)

    @pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
    def test_clocks_may_differ_by_one_step(
        self, codes: list[str], phone: Phone, browser: Client, steps: int, good: bool
    ) -> None:
        phone.wait(5)
        first_step(browser)
        browser.post(CODE, {"code": phone.code(steps)})
        assert is_in(browser) is good

    @pytest.mark.parametrize(
        "code", ["", "000000", "12345", "x" * 64, "\u0661\u0662\u0663\u0664\u0665\u0666", "-", "\0"]
    )
    def test_anything_else_is_refused(
        self, codes: list[str], phone: Phone, browser: Client, code: str
    ) -> None:
        first_step(browser)
        browser.post(CODE, {"code": code})
        assert not is_in(browser)

    def test_a_code_without_the_password_is_nothing(
        self, codes: list[str], phone: Phone, browser: Client
    ) -> None:
        assert browser.get(CODE)["Location"].startswith(LOGIN)
        assert browser.post(CODE, {"code": phone.code()})["Location"].startswith(LOGIN)
        assert not is_in(browser)

    def test_the_second_step_has_to_come_soon(self, codes: list[str], phone: Phone, browser: Client) -> None:
        first_step(browser)
        phone.now += timedelta(seconds=signing_in.CODE_SECONDS + 1)
        assert browser.post(CODE, {"code": phone.code()})["Location"].startswith(LOGIN)
        assert not is_in(browser)

    def test_not_after_the_password_was_changed_or_the_user_disabled(
        self, codes: list[str], phone: Phone, browser: Client, alice: User, superuser: User
    ) -> None:
        first_step(browser)
        services.set_password(user=alice, actor=superuser, new="a completely new secret")
        assert browser.post(CODE, {"code": phone.code()})["Location"].startswith(LOGIN)
        browser.post(LOGIN, {"username": "alice", "password": "a completely new secret"})
        User.objects.filter(pk=alice.pk).update(is_active=False)
        assert browser.post(CODE, {"code": phone.code()})["Location"].startswith(LOGIN)
        assert not is_in(browser)

    def test_guesses_are_slowed_down_and_recorded_no_more_than_let_through(
        self, codes: list[str], phone: Phone, browser: Client, audited: Audited, alice: User
    ) -> None:
        acme = factories.make_organization("acme", owners=(alice,))
        limit = throttling.CODES.per_account
        first_step(browser)
        answers = [browser.post(CODE, {"code": "000000"}).status_code for _ in range(limit + 5)]
        assert answers == [400] * limit + [429] * 5
        assert browser.post(CODE, {"code": phone.code()}).status_code == 429
        assert not is_in(browser)
        failed = audited("user.sign_in_failed")
        assert len(failed) == limit
        assert {(event.actor_id, event.target_id) for event in failed} == {(None, str(alice.pk))}
        assert acme.pk in failed[0].owner_ids
        other = Client(REMOTE_ADDR="198.51.100.1")
        first_step(other)
        assert other.post(CODE, {"code": phone.code()}).status_code == 429, "from another address, too"

    def test_guesses_are_slowed_down_while_redis_is_away(
        self, codes: list[str], phone: Phone, browser: Client, redis_away: None, audited: Audited
    ) -> None:
        limit = throttling.CODES.per_account
        first_step(browser)
        answers = [browser.post(CODE, {"code": "000000"}).status_code for _ in range(limit + 2)]
        assert answers == [400] * limit + [429] * 2
        for right in (phone.code(), codes[0]):
            assert browser.post(CODE, {"code": right}).status_code == 429
        assert not is_in(browser)
        assert len(audited("user.sign_in_failed")) == limit

        phone.wait(throttling.CODES.window_seconds // totp.STEP_SECONDS + 1)
        first_step(browser)
        browser.post(CODE, {"code": phone.code()})
        assert is_in(browser), "it ends by itself"

    def test_wrong_passwords_are_no_wrong_codes(
        self, codes: list[str], phone: Phone, browser: Client, redis_away: None
    ) -> None:
        for _ in range(throttling.CODES.per_account + 1):
            assert first_step(browser, password="guess").status_code == 400
        first_step(browser)
        browser.post(CODE, {"code": phone.code()})
        assert is_in(browser)

    def test_nobody_else_is_asked(self, charlie: User, codes: list[str]) -> None:
        browser = Client()
        assert browser.post(LOGIN, {"username": "charlie", "password": PASSWORD})["Location"] == "/"

    def test_a_wrong_password_does_not_tell_of_the_second_factor(
        self, codes: list[str], charlie: User, browser: Client
    ) -> None:
        mine = first_step(browser, password="wrong").content.decode()
        other = Client().post(LOGIN, {"username": "nobody", "password": "wrong"}).content.decode()
        strip = lambda text: re.sub(r'value="[^"]*"|content="[^"]*"', "", text)  # noqa: E731
        assert strip(mine) == strip(other)


class TestRecoveryCodes:
    def test_each_logs_in_once(self, codes: list[str], browser: Client, audited: Audited) -> None:
        first_step(browser)
        browser.post(CODE, {"code": codes[0].upper().replace("-", " ")})
        assert is_in(browser)
        assert audited("user.signed_in")[0].after == {"how": "password and recovery code"}
        assert audited("user.recovery_code_used")[0].after == {"left": 9}
        second = Client()
        first_step(second)
        second.post(CODE, {"code": codes[0]})
        assert not is_in(second)
        second.post(CODE, {"code": codes[1]})
        assert is_in(second)

    def test_of_somebody_else_are_nothing(self, codes: list[str], charlie: User, phone: Phone) -> None:
        phone.wait()
        seed = services.begin_two_factor(user=charlie, password=PASSWORD, address="").seed
        services.confirm_two_factor(user=charlie, code=totp.code_at(seed, phone.now), address="")
        browser = Client()
        browser.post(LOGIN, {"username": "charlie", "password": PASSWORD})
        browser.post(CODE, {"code": codes[0]})
        browser.post(CODE, {"code": phone.code()})
        assert not is_in(browser)

    def test_new_ones_replace_the_old(
        self, codes: list[str], phone: Phone, alice_browser: Client, browser: Client, letters: Letters
    ) -> None:
        path = "/auth/security/recovery-codes/"
        assert alice_browser.post(path, {"password": "guess", "code": phone.code()}).status_code == 400
        assert alice_browser.post(path, {"password": PASSWORD, "code": "000000"}).status_code == 400
        text = alice_browser.post(path, {"password": PASSWORD, "code": phone.code()}).content.decode()
        new = re.search(r'class="recovery-codes">([^<]+)<', text)[1].split()  # type: ignore[index]
        assert RecoveryCode.objects.count() == totp.RECOVERY_CODES
        first_step(browser)
        browser.post(CODE, {"code": codes[0]})
        assert not is_in(browser)
        browser.post(CODE, {"code": new[0]})
        assert is_in(browser)
        assert "New recovery codes" in str(letters[0].body)


class TestSwitchingOff:
    def off(self, browser: Client, code: str, password: str = PASSWORD) -> Any:
        return browser.post(f"{TWO_FACTOR}disable/", {"password": password, "code": code})

    def test_needs_password_and_code(
        self, codes: list[str], phone: Phone, alice: User, alice_browser: Client, letters: Letters
    ) -> None:
        assert self.off(alice_browser, phone.code(), "guess").status_code == 400
        assert self.off(alice_browser, "000000").status_code == 400
        assert has_2fa(alice)
        assert self.off(alice_browser, phone.code()).status_code == 302
        assert not has_2fa(alice)
        assert not RecoveryCode.objects.exists()
        assert "switched off" in str(letters[0].body)

    def test_warns_of_what_will_be_out_of_reach(
        self, codes: list[str], alice: User, alice_browser: Client
    ) -> None:
        acme = factories.make_organization("acme", members=(alice,))
        type(acme).objects.update(require_2fa=True)
        assert "<strong>acme</strong>" in alice_browser.get(f"{TWO_FACTOR}disable/").content.decode()

    def test_superusers_help_whoever_lost_everything(
        self, codes: list[str], alice: User, charlie: User, superuser: User, audited: Audited
    ) -> None:
        with pytest.raises(NotSuperuser):
            services.remove_two_factor(user=alice, actor=charlie)
        assert has_2fa(alice)
        services.remove_two_factor(user=alice, actor=superuser)
        assert not has_2fa(alice)
        assert audited("user.two_factor_disabled")[0].actor_name == "root"
        with pytest.raises(TwoFactorState):
            services.remove_two_factor(user=alice, actor=superuser)


class TestApi:
    def ask(self, password: str = PASSWORD, username: str = "alice") -> Any:
        return Client().post("/api/v0/get-token/", {"username": username, "password": password})

    def test_a_token_is_made_in_the_browser(self, codes: list[str]) -> None:
        answer = self.ask()
        assert answer.status_code == 400
        assert answer.json()["code"] == "has_2fa"
        assert "/auth/tokens/" in answer.json()["message"]
        assert not ApiToken.objects.exists()

    def test_only_the_right_password_learns_of_it(self, codes: list[str]) -> None:
        wrong = self.ask("wrong")
        assert wrong.json() == self.ask("wrong", "nobody").json()
        assert wrong.json()["code"] == "invalid_credentials"

    def test_tokens_and_login_links_go_on_working(self, codes: list[str], alice: User) -> None:
        _, secret = services.create_api_token(user=alice, name="laptop")
        url = Client().get(
            "/api/v0/users/login_link/", headers={"Authorization": f"Token {secret}"}
        ).json()["url"]  # fmt: skip
        browser = Client()
        browser.get(url)
        assert is_in(browser)


class TestRaces:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def user(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[User, Phone, list[str]]]:
        user = factories.make_user("racer")
        phone = Phone(monkeypatch)
        phone.seed = services.begin_two_factor(user=user, password=PASSWORD, address="").seed
        codes = services.confirm_two_factor(user=user, code=phone.code(), address="")
        phone.wait()
        return user, phone, codes

    def accepted(self, user: User, code: str) -> int:
        """How many of eight who come at once with the code get in."""

        def attempt(number: int) -> bool:
            try:
                services.two_factor.accept_code(
                    user=user, code=code, address=f"192.0.2.{number}", failure="user.sign_in_failed"
                )
            except WrongCode:
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(8) as threads:
            return sum(threads.map(attempt, range(8)))

    @pytest.mark.parametrize("kind", ["code", "recovery code"])
    def test_one_code_lets_in_one(self, user: tuple[User, Phone, list[str]], kind: str) -> None:
        racer, phone, codes = user
        assert self.accepted(racer, phone.code() if kind == "code" else codes[0]) == 1
