"""docker-compose.yml, the Dockerfile and the launcher run the same processes."""

import json
import signal
from typing import Any

import pytest
import yaml

from tests.support.live import CHECKOUT
from valohai_app.launcher import processes

PROCESSES = [*processes.of_the_server("0.0.0.0", 8000), processes.AGENT]  # noqa: S104


@pytest.fixture
def services() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    return parsed


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_compose_runs_the_launchers_commands(services: dict[str, Any], process: processes.Process) -> None:
    assert services[process.name]["command"] == process.argv


def test_agent_is_stopped_with_the_launchers_signal(services: dict[str, Any]) -> None:
    assert services["agent"]["stop_signal"] == signal.Signals(processes.AGENT.end_signal).name


def test_every_service_that_stays_has_a_healthcheck(services: dict[str, Any]) -> None:
    without = {name for name, service in services.items() if "healthcheck" not in service}
    assert without == {"migrate"}


def test_image_serves_the_web_by_default() -> None:
    last = (CHECKOUT / "Dockerfile").read_text().strip().splitlines()[-1]
    assert json.loads(last.removeprefix("CMD ")) == processes.web("0.0.0.0", 8000).argv  # noqa: S104


def test_server_waits_for_the_migrations(services: dict[str, Any]) -> None:
    for process in processes.of_the_server("0.0.0.0", 8000):  # noqa: S104
        assert (
            services[process.name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        )


def test_agent_gets_none_of_the_servers_secrets(services: dict[str, Any]) -> None:
    assert not {"SECRET_KEY", "DATABASE_URL"} & set(services["agent"]["environment"])
