"""A dispatcher as its operator runs it, between a real installation and a real Slurm."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.live import CHECKOUT, LivePlatform
from tests.support.slurm import Cluster


@dataclass
class DispatcherProcess:
    """`start` and `kill` may alternate; its folder stays."""

    platform: LivePlatform
    cluster: Cluster
    folder: Path
    queue: str = "hpc"
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def configuration(self) -> Path:
        return self.folder / "peon.config"

    def start(self) -> "DispatcherProcess":
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {
            "REDIS_URL": self.platform.redis_url, "APP_URL": self.platform.url, "QUEUES": self.queue,
            "PEON_DIR": str(self.folder / "peon"), "RUNTIME": "process", "POLL_SECONDS": "1", **self.settings,
        }  # fmt: skip
        self.configuration.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        with (self.folder / "dispatcher.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "peon", "dispatch", "slurm", "--config", str(self.configuration)],
                env={
                    "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8",
                    "PYTHONPATH": str(CHECKOUT / "agent"), **self.cluster.environment,
                },
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        return (self.folder / "dispatcher.log").read_text(errors="replace")
