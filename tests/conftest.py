"""Fixtures for every test. The cast: Alice owns the project, Bob works in it, Charlie is a stranger."""

import os
from collections.abc import Iterator

import pytest
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.sessions import seen_lately
from projects.models import Project
from tests.support import factories

# A busy machine is slow, and that is no failure.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")
REAL_PARTS = {"live", "browser", "docker", "fault", "emulator", "slurm"}

pytest_plugins = [
    "tests.support.live",
    "tests.support.live_threads",
    "tests.support.slurm",
    "tests.support.stores",
    "tests.support.tenants",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI a real part that is missing is a failure: skipping it would hide that something is never tested."""
    report = yield
    needs_a_real_part = REAL_PARTS & {mark.name for mark in item.iter_markers()}
    if (
        report.skipped
        and needs_a_real_part
        and not hasattr(report, "wasxfail")
        and os.environ.get("CI") == "true"
    ):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"In CI nothing may be missing, but this test was skipped: {reason}"
    return report


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """Each test finds an empty Redis: no cache, no queue, no throttle counters of another one."""
    from common.redis import client

    client().flushdb()


@pytest.fixture
def alice(db: None) -> User:
    return factories.make_user("alice")


@pytest.fixture
def bob(db: None, project: Project) -> User:
    user = factories.make_user("bob")
    factories.make_collaborator(project, user)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    return factories.make_user("charlie")


@pytest.fixture
def superuser(db: None) -> User:
    return factories.make_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def project(alice: User) -> Project:
    return factories.make_project(owner=alice)


@pytest.fixture
def anonymous_api() -> APIClient:
    return APIClient()


@pytest.fixture
def api(alice: User) -> APIClient:
    return api_of(alice)


@pytest.fixture
def alice_api(alice: User) -> APIClient:
    return api_of(alice)


@pytest.fixture
def bob_api(bob: User) -> APIClient:
    return api_of(bob)


@pytest.fixture
def charlie_api(charlie: User) -> APIClient:
    return api_of(charlie)


@pytest.fixture
def superuser_api(superuser: User) -> APIClient:
    return api_of(superuser)


@pytest.fixture
def alice_browser(alice: User) -> Client:
    return browser_of(alice)


@pytest.fixture
def bob_browser(bob: User) -> Client:
    return browser_of(bob)


@pytest.fixture
def charlie_browser(charlie: User) -> Client:
    return browser_of(charlie)


def api_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    seen_lately(str(client.session.session_key))  # so that no test counts the queries of the first request
    return client
