"""The data folder: what lies where."""

import os
from dataclasses import dataclass
from pathlib import Path

from valohai_app.launcher.short_paths import socket_folder

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = CHECKOUT / ".data"


@dataclass(frozen=True)
class DataFolder:
    root: Path

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(_passable())  # secrets, code and data are in it
        for folder in (self.run, self.logs, self.storage, self.agent):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    @property
    def agent(self) -> Path:
        return self.root / "agent"

    @property
    def machines(self) -> Path:
        """Of the autoscaler's local provider."""
        return self.root / "machines"

    @property
    def example_repository(self) -> Path:
        return self.root / "example-repository"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials.json"

    def sockets(self, service: str) -> Path:
        """A folder of its own for each service: PostgreSQL's belongs to PostgreSQL's account."""
        folder = socket_folder(self.root / "sockets")
        folder.chmod(_passable())
        own = folder / service
        own.mkdir(mode=0o700, exist_ok=True)
        return own


def _passable() -> int:
    """Nobody else may look inside; as root, PostgreSQL's own account has to pass through."""
    return 0o711 if os.geteuid() == 0 else 0o700
