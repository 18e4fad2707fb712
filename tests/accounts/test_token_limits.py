"""What a token may do and for how long, whatever its user may."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern
from rest_framework.views import APIView

from accounts import services
from accounts.api.authentication import TokenAuthentication
from accounts.api.permissions import TokenScope
from accounts.models import ApiToken, User
from audit.models import AuditEvent
from common import clock
from organizations.models import Organization
from projects.models import Project
from tests.access.routes import all_routes
from tests.support import factories

pytestmark = pytest.mark.django_db

TOKENS, ME, PAGE = "/api/v0/api-tokens/", "/api/v0/users/me/", "/auth/tokens/"
READ_ONLY, FULL = ApiToken.AccessScope.READ_ONLY, ApiToken.AccessScope.FULL
Audited = Callable[[str], list[AuditEvent]]


def client_with(user: User, **fields: Any) -> Client:
    _, secret = services.create_api_token(user=user, name="test", **fields)
    return Client(headers={"Authorization": f"Token {secret}"})


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


@pytest.fixture
def full(alice: User) -> Client:
    return client_with(alice)


@pytest.fixture
def reader(alice: User) -> Client:
    return client_with(alice, access_scope=READ_ONLY)


class TestReadOnly:
    def test_reads(self, reader: Client, project: Project) -> None:
        for path in (ME, TOKENS, "/api/v0/projects/", f"/api/v0/projects/{project.pk}/"):
            assert reader.get(path).status_code == 200, path

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_changes_nothing(self, reader: Client, project: Project, method: str) -> None:
        answer = getattr(reader, method)(
            f"/api/v0/projects/{project.pk}/", {"name": "renamed"}, content_type="application/json"
        )
        assert answer.status_code == 403
        assert answer.json()["code"] == "read_only_token"
        assert "only read" in answer.json()["message"]
        assert Project.objects.get().name == project.name

    def test_gets_no_browser_that_may_do_everything(self, reader: Client, full: Client) -> None:
        assert reader.get("/api/v0/users/login_link/").json()["code"] == "read_only_token"
        assert full.get("/api/v0/users/login_link/").status_code == 200

    def test_makes_and_revokes_no_tokens(self, reader: Client, alice: User) -> None:
        kept = alice.api_tokens.get()
        assert post(reader, TOKENS, name="more").status_code == 403
        assert reader.delete(f"{TOKENS}{kept.pk}/").status_code == 403
        assert alice.api_tokens.get() == kept

    def test_a_question_in_a_post_is_answered(self, reader: Client, project: Project) -> None:
        execution = factories.make_execution(project)
        path = "/api/v0/executions/multi_download_metadata_csv/"
        assert post(reader, path, ids=[str(execution.pk)]).status_code == 200

    def test_every_view_that_knows_tokens_asks(self) -> None:
        views = {_view_of(pattern) for pattern in all_routes().values()} - {None}
        assert len(views) > 30
        for view in views:
            assert view is not None
            knows_tokens = TokenAuthentication in view.authentication_classes
            assert not knows_tokens or not _changes(view) or TokenScope in view.permission_classes, view


def _changes(view: type[APIView]) -> bool:
    return any(hasattr(view, method) for method in ("post", "put", "patch", "delete"))


def _view_of(pattern: URLPattern) -> type[APIView] | None:
    view = getattr(pattern.callback, "cls", None)
    return view if isinstance(view, type) and issubclass(view, APIView) else None


class TestApi:
    def test_make_list_revoke(self, full: Client, alice: User, audited: Audited) -> None:
        made = post(full, TOKENS, name="robot", access_scope="read_only")
        assert made.status_code == 201
        secret = made.json()["token"]
        robot = Client(headers={"Authorization": f"Token {secret}"})
        assert robot.get(ME).json()["username"] == "alice"
        rows = full.get(TOKENS).json()["results"]
        assert [row["name"] for row in rows] == ["robot", "test"]
        assert rows[0]["access_scope"] == "read_only"
        token = alice.api_tokens.get(name="robot")
        text = full.get(TOKENS).content.decode()
        assert secret not in text
        assert token.digest not in text
        assert full.delete(f"{TOKENS}{token.pk}/").status_code == 204
        assert robot.get(ME).status_code == 401
        created, revoked = audited("token.created")[-1], audited("token.revoked")[0]
        assert created.token_hint == alice.api_tokens.get().hint
        assert secret not in str(created.__dict__) + str(revoked.__dict__)

    def test_nobody_sees_or_revokes_anothers(self, full: Client, alice: User, charlie: User) -> None:
        stranger = client_with(charlie)
        assert [row["name"] for row in stranger.get(TOKENS).json()["results"]] == ["test"]
        assert stranger.get(TOKENS).json()["count"] == 1
        assert stranger.delete(f"{TOKENS}{alice.api_tokens.get().pk}/").status_code == 404
        assert alice.api_tokens.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "x" * 101},
            {"name": "x", "access_scope": "root"},
            {"name": "x", "expires_at": "2001-01-01T00:00:00Z"},
            {"name": "x", "expires_at": "soon"},
            {"name": "a\0b"},
        ],
    )
    def test_bad_bodies(self, full: Client, alice: User, body: dict[str, Any]) -> None:
        assert post(full, TOKENS, **body).status_code == 400
        assert alice.api_tokens.count() == 1

    def test_a_token_makes_none_that_outlives_it(self, alice: User) -> None:
        end = clock.now() + timedelta(days=2)
        client = client_with(alice, expires_at=end)
        assert post(client, TOKENS, name="same").status_code == 201
        assert alice.api_tokens.get(name="same").expires_at == end
        later = post(client, TOKENS, name="later", expires_at=(end + timedelta(days=1)).isoformat())
        assert later.status_code == 400
        assert "longer than itself" in str(later.json()["expires_at"])
        assert not alice.api_tokens.filter(name="later").exists()

    def test_many_rows_cost_as_many_queries_as_few(self, full: Client, alice: User) -> None:
        full.get(TOKENS)
        few = self.queries(full)
        for number in range(5):
            services.create_api_token(user=alice, name=f"more {number}")
        assert self.queries(full) == few

    def queries(self, client: Client) -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(TOKENS)
        return len(queries)


class TestLoginLink:
    """A browser that a token has signed in is an arm of the token's."""

    @pytest.fixture
    def end(self) -> datetime:
        return clock.now() + timedelta(minutes=5)

    @pytest.fixture
    def token(self, alice: User, end: datetime) -> Client:
        return client_with(alice, expires_at=end)

    @pytest.fixture
    def browser(self, token: Client) -> Client:
        browser = Client()
        browser.get(token.get("/api/v0/users/login_link/").json()["url"])
        assert browser.get(ME).status_code == 200
        return browser

    def test_the_session_ends_with_the_token(self, browser: Client, end: datetime) -> None:
        assert browser.session.get_expiry_date() == end
        stored = Session.objects.get(session_key=browser.session.session_key)
        assert abs(stored.expire_date - end) < timedelta(seconds=1)

    def test_tokens_made_in_it_do_not_outlive_it(self, browser: Client, alice: User, end: datetime) -> None:
        browser.post(PAGE, {"name": "by the page"})
        post(browser, TOKENS, name="by the API")
        ends = alice.api_tokens.exclude(name="test").values_list("expires_at", flat=True)
        assert list(ends) == [end, end]

    def test_links_made_in_it_do_not_outlive_it(self, browser: Client, end: datetime) -> None:
        second = Client()
        second.get(browser.get("/api/v0/users/login_link/").json()["url"])
        assert second.session.get_expiry_date() == end

    def test_revoking_the_token_signs_it_out(
        self, browser: Client, alice: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            services.revoke_api_token(token=alice.api_tokens.get(), actor=alice)
        assert browser.get(ME).status_code in (401, 403)
        assert not alice.user_sessions.exists()

    def test_revoking_the_token_spoils_a_link(self, token: Client, alice: User) -> None:
        url = token.get("/api/v0/users/login_link/").json()["url"]
        services.revoke_api_token(token=alice.api_tokens.get(), actor=alice)
        browser = Client()
        browser.get(url)
        assert browser.get(ME).status_code in (401, 403)

    def test_a_token_without_an_end_gives_a_session_as_long_as_any(self, full: Client) -> None:
        browser = Client()
        browser.get(full.get("/api/v0/users/login_link/").json()["url"])
        assert browser.session.get_expiry_age() == settings.SESSION_COOKIE_AGE


class TestAddress:
    @pytest.mark.parametrize(
        "name", ["token", "api_key", "access_token", "authorization", "Token", "API_KEY"]
    )
    @pytest.mark.parametrize("with_header", [False, True])
    def test_a_token_in_it_is_refused(self, full: Client, alice: User, name: str, with_header: bool) -> None:
        client = full if with_header else Client()
        answer = client.get(ME, {name: "0123456789012345678901234567890123456789"})
        assert answer.status_code == 400
        assert answer.json()["code"] == "token_in_url"
        assert "revoke" in answer.json()["message"]
        assert "0123456789" not in answer.json()["message"]

    def test_and_changes_nothing(self, full: Client, alice: User) -> None:
        assert full.delete(f"{TOKENS}{alice.api_tokens.get().pk}/?token=x").status_code == 400
        assert alice.api_tokens.exists()

    def test_other_unknown_parameters_are_ignored(self, full: Client) -> None:
        assert full.get(ME, {"tokens": "x", "key": "y"}).status_code == 200


class TestLongestLife:
    @pytest.fixture
    def acme(self, alice: User) -> Organization:
        organization = factories.make_organization("acme", members=(alice,))
        self.limit(organization, 30)
        other = factories.make_organization("other", members=(alice,))
        self.limit(other, 90)
        factories.make_organization("none", members=(alice,))
        return organization

    def limit(self, organization: Organization, days: int | None) -> None:
        Organization.objects.filter(pk=organization.pk).update(max_token_lifetime_days=days)

    def test_the_shortest_is_the_default(self, alice: User, acme: Organization) -> None:
        token, _ = services.create_api_token(user=alice, name="x")
        assert token.expires_at
        assert abs(token.expires_at - clock.now() - timedelta(days=30)) < timedelta(minutes=1)

    def test_longer_is_refused(
        self, alice: User, alice_browser: Client, full: Client, acme: Organization
    ) -> None:
        end = clock.now() + timedelta(days=31)
        answer = post(full, TOKENS, name="x", expires_at=end.isoformat())
        assert answer.status_code == 400
        assert "30 days" in str(answer.json()["expires_at"])
        page = alice_browser.post(PAGE, {"name": "x", "expires": end.date().isoformat()})
        assert "30 days" in page.content.decode()
        assert not alice.api_tokens.filter(name="x").exists()

    def test_the_last_possible_day_is_possible(
        self, alice: User, alice_browser: Client, acme: Organization
    ) -> None:
        day = (clock.now() + timedelta(days=30)).date()
        alice_browser.post(PAGE, {"name": "x", "expires": day.isoformat()})
        assert alice.api_tokens.get(name="x").expires_at.date() == day  # type: ignore[union-attr]

    def test_get_token_too(self, alice: User, acme: Organization) -> None:
        Client().post("/api/v0/get-token/", {"username": "alice", "password": factories.PASSWORD})
        assert alice.api_tokens.get().expires_at

    def test_older_tokens_no_longer_work(self, alice: User, full: Client, acme: Organization) -> None:
        ApiToken.objects.update(created_at=clock.now() - timedelta(days=29))
        assert full.get(ME).status_code == 200
        ApiToken.objects.update(created_at=clock.now() - timedelta(days=30))
        answer = full.get(ME)
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_expired"
        assert "token_expired" in answer.json()["message"]
        assert "30 days" in answer.json()["message"]
        self.limit(acme, None)
        assert full.get(ME).status_code == 200, "90 days of the other one"

    def test_strangers_are_not_limited(self, charlie: User, acme: Organization) -> None:
        token, _ = services.create_api_token(user=charlie, name="x")
        assert token.expires_at is None

    def test_checking_is_still_one_query(self, full: Client, acme: Organization) -> None:
        full.get(ME)
        with CaptureQueriesContext(connection) as queries:
            full.get(ME)
        assert len(queries) == 1

    def test_the_list_shows_when_it_really_ends(
        self, alice: User, full: Client, alice_browser: Client, acme: Organization
    ) -> None:
        row = full.get(TOKENS).json()["results"][0]
        assert row["expires_at"]
        ApiToken.objects.update(created_at=clock.now() - timedelta(days=60))
        assert "expired" in alice_browser.get(PAGE).content.decode()


class TestPage:
    def test_a_read_only_token(self, alice: User, alice_browser: Client) -> None:
        alice_browser.post(PAGE, {"name": "x", "access_scope": "read_only"})
        assert alice.api_tokens.get().access_scope == READ_ONLY
        assert "read only" in alice_browser.get(PAGE).content.decode()

    def test_an_unknown_scope(self, alice: User, alice_browser: Client) -> None:
        assert (
            "valid choice" in alice_browser.post(PAGE, {"name": "x", "access_scope": "root"}).content.decode()
        )
        assert not alice.api_tokens.exists()


def test_audit_rows_name_the_token_that_was_used(full: Client, alice: User, audited: Audited) -> None:
    post(full, TOKENS, name="robot")
    event = audited("token.created")[-1]
    assert (event.channel, event.token_hint) == ("api", alice.api_tokens.get(name="test").hint)
