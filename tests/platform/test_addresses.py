"""Where letters lead, whose word for a host counts, and that no cache keeps an answer."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client, RequestFactory, override_settings

from common.web.addresses import AddressUnknown, public_url
from tests.access.declared import TABLE
from tests.access.declared.route import TOKEN
from tests.access.world import World, build_world

FORGED = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}


class TestPublicUrl:
    @override_settings(URL_BASE="https://mlops.example.com")
    def test_begins_with_the_public_origin_whatever_a_client_says(self, rf: RequestFactory) -> None:
        assert public_url("/invitations/x/") == "https://mlops.example.com/invitations/x/"
        forged = rf.get("/", headers=FORGED)
        assert public_url("/invitations/x/", forged) == "https://mlops.example.com/invitations/x/"

    @override_settings(URL_BASE="", ALLOWED_HOSTS=["*"])
    def test_without_one_only_ones_own_machine_is_believed(self, rf: RequestFactory) -> None:
        assert (
            public_url("/x/", rf.get("/", headers={"Host": "localhost:8000"})) == "http://localhost:8000/x/"
        )
        assert public_url("/x/", rf.get("/", headers={"Host": "[::1]:8000"})) == "http://[::1]:8000/x/"
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"):
            with pytest.raises(AddressUnknown, match="URL_BASE"):
                public_url("/x/", rf.get("/", headers={"Host": host}))

    @override_settings(URL_BASE="", ALLOWED_HOSTS=["mlops.example.com"])
    def test_hosts_that_the_operator_lists_are_believed(self, rf: RequestFactory) -> None:
        request = rf.get("/", headers={"Host": "mlops.example.com"})
        assert public_url("/x/", request) == "http://mlops.example.com/x/"

    @override_settings(URL_BASE="")
    def test_without_a_request_nothing_is_guessed(self) -> None:
        with pytest.raises(AddressUnknown):
            public_url("/x/")

    @pytest.mark.parametrize(
        ("changes", "warned"),
        [
            ({"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"}, True),
            ({"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}, False),
            ({"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "URL_BASE": "https://x.com"}, False),
            ({"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "ALLOWED_HOSTS": ["x.com"]}, False),
        ],
    )  # fmt: skip
    def test_who_sends_letters_is_asked_for_it(self, changes: dict[str, Any], warned: bool) -> None:
        with override_settings(**{"URL_BASE": "", "ALLOWED_HOSTS": ["*"], **changes}):
            assert ("platform.W009" in {message.id for message in run_checks(tags=["platform"])}) == warned


@pytest.mark.django_db
class TestForwardedHeaders:
    def links(self, client: Client, **headers: str) -> str:
        answer = client.get("/api/v0/projects/", headers=headers)
        assert answer.status_code == 200
        return str(answer.json()["results"][0]["url"])

    @override_settings(ALLOWED_HOSTS=["*"])
    def test_count_only_behind_a_proxy_that_is_trusted(self, alice_browser: Client, project: Any) -> None:
        said = {
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "Forwarded": "host=evil.example",
        }
        assert self.links(alice_browser, **said).startswith("http://testserver/")
        with override_settings(
            USE_X_FORWARDED_HOST=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
        ):
            assert self.links(alice_browser, **said).startswith("https://evil.example/")

    def test_address_of_the_caller_is_not_taken_from_a_header(self, rf: RequestFactory) -> None:
        from common.network import client_address

        request = rf.get("/", headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"})
        assert client_address(request) == "127.0.0.1"

    @override_settings(ALLOWED_HOSTS=["mlops.example.com"])
    def test_hosts_that_are_not_listed_are_not_served(self, client: Client) -> None:
        assert client.get("/api/v0/server/", headers={"Host": "evil.example"}).status_code == 400
        assert client.get("/api/v0/server/", headers={"Host": "mlops.example.com"}).status_code == 200


@pytest.mark.django_db
class TestCaches:
    @pytest.fixture
    def world(self) -> World:
        return build_world()

    @pytest.mark.parametrize("who", ["organization owner", "stranger", "anonymous"])
    def test_no_answer_may_be_kept_and_no_address_is_handed_on(self, world: World, who: str) -> None:
        """Refusals too: what one may not see now, one may be shown later."""
        actor = world[who]
        for text, route in TABLE.items():
            for method in {"get"} & set(route.methods):
                answer = actor.call(method, world.path(text), route)
                kept_out = answer["Cache-Control"]
                assert "no-store" in kept_out or (route.kind == TOKEN and "private" in kept_out), text
                assert answer["Referrer-Policy"] == "same-origin", text
                assert answer["X-Content-Type-Options"] == "nosniff", text
                assert answer["X-Frame-Options"] == "DENY", text
