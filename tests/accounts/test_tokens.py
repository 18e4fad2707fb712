"""API tokens: shown once, hashed at rest, and good until they expire, are revoked or their user is disabled."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.models import ApiToken, User
from common import clock

pytestmark = pytest.mark.django_db

ME = "/api/v0/users/me/"


def me(header: str | None) -> Any:
    return Client().get(ME, headers={"Authorization": header} if header is not None else {})


@pytest.fixture
def secret(alice: User) -> str:
    return services.create_api_token(user=alice, name="laptop")[1]


class TestSecret:
    def test_is_not_kept(self, secret: str) -> None:
        token = ApiToken.objects.get()
        assert len(secret) == 40
        assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
        stored = [str(getattr(token, field.attname)) for field in ApiToken._meta.fields]
        assert all(secret not in value for value in stored)

    def test_differs_every_time(self, alice: User, secret: str) -> None:
        assert services.create_api_token(user=alice, name="laptop")[1] != secret


class TestHeader:
    @pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
    def test_scheme_in_any_case(self, secret: str, scheme: str) -> None:
        assert me(f"{scheme} {secret}").json()["username"] == "alice"

    @pytest.mark.parametrize(
        "header", ["Token", "Token ", "Token a b", "Token x", "Token \x00", "Token é", None]
    )
    def test_anything_else_is_a_401_in_json(self, alice: User, header: str | None) -> None:
        answer = me(header)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Token"
        assert set(answer.json()) == {"message", "detail", "code"}

    def test_bearer_is_not_a_token(self, secret: str) -> None:
        assert me(f"Bearer {secret}").status_code == 401
        assert me(secret).status_code == 401


class TestLife:
    def test_expired_ones_say_so(self, alice: User) -> None:
        _, secret = services.create_api_token(
            user=alice, name="x", expires_at=clock.now() - timedelta(seconds=1)
        )
        answer = me(f"Token {secret}")
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_expired"
        assert "token_expired" in answer.json()["message"]

    def test_until_then_they_work(self, alice: User) -> None:
        _, secret = services.create_api_token(
            user=alice, name="x", expires_at=clock.now() + timedelta(hours=1)
        )
        assert me(f"Token {secret}").status_code == 200

    def test_disabled_users_have_none(self, alice: User, secret: str) -> None:
        User.objects.update(is_active=False)
        assert me(f"Token {secret}").status_code == 401

    def test_revoked_ones_are_gone(self, alice: User, charlie: User, secret: str) -> None:
        token = ApiToken.objects.get()
        with pytest.raises(Exception, match="no such token"):
            services.revoke_api_token(token=token, actor=charlie)
        assert me(f"Token {secret}").status_code == 200
        services.revoke_api_token(token=token, actor=alice)
        assert me(f"Token {secret}").status_code == 401

    def test_last_use_is_written_once_a_minute(self, secret: str) -> None:
        me(f"Token {secret}")
        first = ApiToken.objects.get().last_used_at
        assert first
        me(f"Token {secret}")
        assert ApiToken.objects.get().last_used_at == first
        ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
        me(f"Token {secret}")
        assert ApiToken.objects.get().last_used_at > first - timedelta(seconds=1)

    def test_a_request_costs_one_query(self, secret: str) -> None:
        me(f"Token {secret}")
        with CaptureQueriesContext(connection) as queries:
            me(f"Token {secret}")
        assert len(queries) == 1
