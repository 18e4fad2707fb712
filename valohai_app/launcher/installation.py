"""One installation on one machine: which services it has, and how it starts and stops."""

import http.client
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environments.autoscaling.providers.local import end_all
from valohai_app.launcher import preparation, processes
from valohai_app.launcher.children import program, python_module
from valohai_app.launcher.environment import agent_environment, platform_environment
from valohai_app.launcher.folders import CHECKOUT, DataFolder
from valohai_app.launcher.output import CombinedLog
from valohai_app.launcher.postgres_server import END_SIGNAL as POSTGRES_END_SIGNAL
from valohai_app.launcher.postgres_server import PostgresServer
from valohai_app.launcher.processes import Process
from valohai_app.launcher.records import RunRecord, end_leftovers
from valohai_app.launcher.redis_server import END_SIGNAL as REDIS_END_SIGNAL
from valohai_app.launcher.redis_server import RedisServer
from valohai_app.launcher.supervisor import Service, Stopped, Supervisor

SERVICE_START_SECONDS = 60
WEB_START_SECONDS = 60
FIRST_TO_STOP = ("agent", "autoscaler")
STOP_ORDER = (("web", "celery"), ("scheduler", "ingest"), ("redis", "postgres"))
"""Whoever needs somebody ends before them."""


class StartFailed(Exception):
    """The platform cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Options:
    data: Path
    host: str
    port: int
    example: bool

    @property
    def url(self) -> str:
        """The address for this machine's own browser and agent."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104
        return f"http://{host}:{self.port}"


class Installation:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = DataFolder(options.data)
        self.folder.create()
        self.given = dict(os.environ)
        self.record = RunRecord(self.folder.run)
        self.log = CombinedLog(self.folder.logs)
        self.supervisor = Supervisor(self.log, self.record)

    def run(self) -> None:
        """Start everything, keep it running until somebody asks to stop, stop everything."""
        end_leftovers(self.record.leftovers())
        _require_free_port(self.options)
        try:
            self._start()
            self.supervisor.run_until_stopped()
        except Stopped:
            pass
        finally:
            self.log.show("\nStopping; running jobs are ended. Press Ctrl-C again to hurry.")
            self._stop()
            self.record.clear()

    def _stop(self) -> None:
        self.supervisor.stop_some(FIRST_TO_STOP)
        if self.folder.machines.exists():
            # Machines outlive the autoscaler, but not the installation: their jobs end while somebody hears of it.
            self.supervisor.run_once("machines", lambda: end_all(self.folder.machines))
        self.supervisor.stop(STOP_ORDER)

    def _start(self) -> None:
        os.environ.update(platform_environment(self.folder, self.given, app_url=self.options.url))
        checks = [self._start_postgres(), self._start_redis()]
        self.record.facts = {
            "url": self.options.url,
            "database_url": os.environ.get("DATABASE_URL", ""),
            "redis_url": os.environ.get("REDIS_URL", ""),
        }
        preparation.preload()
        for name, is_ready in checks:
            if not self.supervisor.wait_until(is_ready, SERVICE_START_SECONDS):
                raise StartFailed(f"{name} did not start; see above, or {self.folder.logs / 'platform.log'}.")
        if self.supervisor.run_once("setup", preparation.prepare(self.folder, self.options.url)) != 0:
            raise StartFailed(f"The database could not be prepared; see above, or {self.folder.logs}.")
        self._start_processes()
        if not self.supervisor.wait_until(self._answers, WEB_START_SECONDS):
            raise StartFailed(f"Nothing answers at {self.options.url}; see above, or {self.folder.logs}.")
        self._greet()
        if self.options.example:
            self.supervisor.run_once("example", preparation.import_example(self.folder))

    def _start_postgres(self) -> tuple[str, Callable[[], bool]]:
        if self.given.get("DATABASE_URL") or self.given.get("DATABASE_URL_FILE"):
            return "The database", lambda: True
        server = PostgresServer(self.folder.root / "postgres", self.folder.sockets("postgres"))
        self.supervisor.start(
            Service(
                "postgres", program(server.command), POSTGRES_END_SIGNAL, grace_seconds=30,
                prepare=server.prepare, user=server.user, orphan_signal=POSTGRES_END_SIGNAL,
            )
        )  # fmt: skip
        os.environ["DATABASE_URL"] = server.url
        return "The embedded PostgreSQL", server.is_ready

    def _start_redis(self) -> tuple[str, Callable[[], bool]]:
        if self.given.get("REDIS_URL") or self.given.get("REDIS_URL_FILE"):
            return "Redis", lambda: True
        server = RedisServer(self.folder.root / "redis", self.folder.sockets("redis"))
        self.supervisor.start(
            Service(
                "redis", program(server.command), REDIS_END_SIGNAL, grace_seconds=20,
                prepare=server.prepare, orphan_signal=REDIS_END_SIGNAL,
            )
        )  # fmt: skip
        os.environ["REDIS_URL"] = server.url
        return "The embedded Redis", server.is_ready

    def _start_processes(self) -> None:
        for process in processes.of_the_server(self.options.host, self.options.port):
            run = python_module(f"mlops-{process.name}", process.command, CHECKOUT)
            self.supervisor.start(Service(process.name, run, process.end_signal, process.grace_seconds))
        self.supervisor.start(self._agent(processes.AGENT))

    def _agent(self, process: Process) -> Service:
        executable = Path(sys.executable).with_name(process.command[0])
        environment = agent_environment(
            self.folder, self.given, redis_url=os.environ["REDIS_URL"], app_url=self.options.url
        )
        run = program([str(executable), *process.command[1:]], environment)
        # A killed launcher's agent gets the chance to end its jobs' whole process trees.
        return Service(
            process.name, run, process.end_signal, process.grace_seconds, orphan_signal=process.end_signal
        )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _greet(self) -> None:
        lines = ["", f"  The platform runs at {self.options.url}"]
        if self.folder.credentials.exists():
            credentials = json.loads(self.folder.credentials.read_text())
            lines.append(f"  Log in as {credentials['username']} with the password {credentials['password']}")
            lines.append(f"  (also in {self.folder.credentials}, with an API token for `vh login`)")
        self.log.show("\n".join([*lines, "  Ctrl-C stops it.", ""]))


def _require_free_port(options: Options) -> None:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            raise StartFailed(
                f"Cannot listen on {options.host}:{options.port}: {error.strerror}. "
                "Give another one with --port, or stop the program that uses it."
            ) from error
