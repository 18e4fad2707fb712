"""An enrolled worker of acme's environment, and how agents ask."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from environments.enrolment import services
from tests.environments.enrolment.support import Agent
from tests.support.agent_build import packed_agent
from tests.support.tenants import Tenant


@pytest.fixture
def token(acme: Tenant) -> str:
    return services.issue_token(environment=acme.environment, actor=acme.owner)


@pytest.fixture
def ask() -> Callable[..., Any]:
    """`POST /api/agent/v1/enrol`."""

    def ask(token: str, **more: Any) -> Any:
        body = {"token": token, "host": {"name": "Box.example"}, **more}
        return Client().post("/api/agent/v1/enrol", data=body, content_type="application/json")

    return ask


@pytest.fixture
def agent(token: str, ask: Callable[..., Any]) -> Agent:
    return Agent(**ask(token).json()["workers"][0])


@pytest.fixture
def built(settings: Any) -> Path:
    """The installation has an agent to give away."""
    settings.AGENT_DIR = packed_agent().parent
    return packed_agent()
