"""/healthz, /readyz, the API reference and the checks of the settings."""

import pytest
from django.core.checks import run_checks
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django.fixtures import Settings

from common import redis as connections


def test_healthz_asks_nothing_else(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_readyz_names_every_part(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "parts": {"database": "ok", "migrations": "ok", "redis": "ok", "storage": "ok"},
    }


@pytest.mark.django_db
def test_readyz_says_what_is_away(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    connections.client.cache_clear()
    try:
        answer = client.get("/readyz")
    finally:
        connections.client.cache_clear()
    assert answer.status_code == 503
    assert "REDIS_URL" in answer.json()["parts"]["redis"]
    assert answer.json()["parts"]["database"] == "ok"


@pytest.mark.django_db
def test_readyz_leaves_nothing_in_storage(client: Client) -> None:
    client.get("/readyz")
    assert not default_storage.exists("health") or default_storage.listdir("health") == ([], [])


def test_api_reference_is_served_from_here(client: Client) -> None:
    answer = client.get("/api/docs/")
    assert answer.status_code == 200
    assert "://" not in answer.content.decode().replace("http://www.w3.org", "")
    assert "'unsafe-inline'" not in client.get("/healthz").headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_schema_is_openapi(client: Client) -> None:
    answer = client.get("/api/v0/schema/", headers={"accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("SECRET_KEY", "short", "platform.W001"),
        ("REDIS_URL", "", "platform.E002"),
        ("URL_BASE", "mlops.example.com", "platform.E003"),
        ("URL_BASE", "https://mlops.example.com/path", "platform.E003"),
        ("LEASE_SECONDS", 1, "platform.E006"),
        ("DEBUG", True, "platform.W007"),
    ],
)
def test_wrong_setting_is_named_with_a_remedy(
    settings: Settings, name: str, value: object, check: str
) -> None:
    setattr(settings, name, value)
    found = {message.id: message for message in run_checks(tags=["platform"])}
    assert found[check].hint


def test_bucket_without_name_is_an_error(settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "x", "OPTIONS": {"bucket_name": ""}}}
    assert "platform.E004" in {message.id for message in run_checks(tags=["platform"])}


def test_good_settings_pass(settings: Settings) -> None:
    settings.SECRET_KEY = "x" * 50
    assert run_checks(tags=["platform"]) == []
