"""The platform's own processes, each with its one command. The launcher and docker-compose.yml run the same list."""

import signal
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    name: str
    command: tuple[str, ...]
    """A file for `python`, a module for `python -m`, or the agent's program; and its arguments."""
    end_signal: int = signal.SIGTERM
    grace_seconds: int = 10
    """How long it may take to end after the signal."""

    @property
    def argv(self) -> list[str]:
        """As on a command line."""
        return ["python", *self.command] if self.command[0].endswith(".py") else list(self.command)


def web(host: str, port: int) -> Process:
    return Process(
        "web",
        (
            "uvicorn", "valohai_app.asgi:application",
            "--host", host, "--port", str(port),
            "--loop", "uvloop", "--http", "httptools", "--lifespan", "off",
            "--ws-ping-interval", "20", "--ws-ping-timeout", "20", "--ws-per-message-deflate", "false",
            "--proxy-headers", "--no-access-log", "--log-level", "warning",
            "--timeout-graceful-shutdown", "3",
        ),
    )  # fmt: skip


SCHEDULER = Process("scheduler", ("manage.py", "run_scheduler"))
AUTOSCALER = Process("autoscaler", ("manage.py", "run_autoscaler"))
INGEST = Process("ingest", ("manage.py", "run_ingest"))
CELERY = Process(
    "celery",
    (
        "celery", "--app", "valohai_app", "--quiet", "worker", "--pool", "threads", "--concurrency", "2",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
    ),
)  # fmt: skip
AGENT = Process("agent", ("peon", "run"), end_signal=signal.SIGINT, grace_seconds=20)
"""SIGTERM would let it work on until its job is done, which may take days."""


def of_the_server(host: str, port: int) -> list[Process]:
    """Everything but the agent, in the order of their start."""
    return [web(host, port), SCHEDULER, AUTOSCALER, INGEST, CELERY]
