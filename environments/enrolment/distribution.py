"""The agent as the installation gives it to machines: one file, made by `script/build-agent`."""

import hashlib
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

NAME = "peon.pyz"
VERSION_FILE = "peon-version"


@dataclass(frozen=True)
class Build:
    version: str
    sha256: str
    content: bytes


def build() -> Build | None:
    """The file that stands there now; None where none was made."""
    path = Path(settings.AGENT_DIR) / NAME
    try:
        facts = path.stat()
    except OSError:
        return None
    return _read(path, facts.st_mtime_ns, facts.st_size)


def offer(base_url: str) -> dict[str, Any] | None:
    """What an agent is told of the version that it should be."""
    found = build()
    if found is None:
        return None
    return {"version": found.version, "sha256": found.sha256, "url": f"{base_url}/agent/{NAME}"}


@lru_cache(maxsize=2)
def _read(path: Path, modified_ns: int, size: int) -> Build:
    """The arguments besides the path only tell one file from the next of the same name."""
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        version = archive.read(VERSION_FILE).decode().strip()
    return Build(version, hashlib.sha256(content).hexdigest(), content)
