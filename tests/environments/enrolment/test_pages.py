"""The part of an environment's page about its machines."""

import re
from pathlib import Path
from typing import Any

import pytest

from environments.models import EnrolmentToken, WorkerCredential
from tests.environments.enrolment.support import Agent
from tests.support.tenants import Tenant

pytestmark = pytest.mark.django_db
PAGE = "/organizations/acme/environments/acme-gpu/"


def test_a_command_is_made_and_shown_once(acme: Tenant, built: Path, ask: Any) -> None:
    answer = acme.browser.post(f"{PAGE}tokens/", {"uses": "1", "lifetime_hours": "24"})
    text = answer.content.decode()
    found = re.search(r"curl -fsSL (\S+) \| sudo sh -s -- --token (peon-[0-9a-f]{40})", text)
    assert found, text
    assert found[1] == "http://testserver/agent/install.sh"
    page = acme.browser.get(PAGE).content.decode()
    assert found[2] not in page
    assert found[2][:11] in page
    assert ask(found[2]).status_code == 200


def test_without_a_build_the_page_says_so(acme: Tenant, settings: Any, tmp_path: Path) -> None:
    settings.AGENT_DIR = tmp_path
    assert "has no agent to give away" in acme.browser.get(PAGE).content.decode()
    assert acme.browser.get("/agent/install.sh").status_code == 404
    assert acme.browser.get("/agent/peon.pyz").status_code == 404


def test_absurd_wishes_make_no_token(acme: Tenant, built: Path) -> None:
    answer = acme.browser.post(f"{PAGE}tokens/", {"uses": "1000000", "lifetime_hours": "0"})
    assert "Select a valid choice" in answer.content.decode()
    assert not EnrolmentToken.objects.exists()


def test_a_token_and_a_worker_are_revoked(acme: Tenant, agent: Agent) -> None:
    acme.browser.post(f"{PAGE}tokens/", {"uses": "10", "lifetime_hours": "1"})
    token = EnrolmentToken.objects.order_by("-id")[0]
    acme.browser.post(f"{PAGE}tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None
    credential = WorkerCredential.objects.get()
    assert agent.identity in acme.browser.get(PAGE).content.decode()
    answer = acme.browser.post(f"{PAGE}workers/{credential.pk}/revoke/", follow=True)
    assert "takes no more jobs" in answer.content.decode()
    assert agent.probe().status_code == 401


def test_what_a_host_calls_itself_is_only_text(acme: Tenant, token: str, ask: Any) -> None:
    hostile = Agent(**ask(token, host={"name": "<script>alert(1)</script>"}).json()["workers"][0])
    hostile.host = "<img src=x onerror=alert(1)>"
    assert hostile.hello().status_code == 200
    page = acme.browser.get(PAGE).content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert re.fullmatch(r"[a-z0-9.-]+", hostile.identity)
