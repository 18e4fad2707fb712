"""Shapes of the data plane; no Django."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class InputFile:
    """One file of an input, with everything a worker needs to fetch and check it."""

    filename: str
    url: str
    uri: str
    headers: dict[str, str] = field(default_factory=dict)
    storage_uri: str | None = None
    datum_id: UUID | None = None
    size: int | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    metadata: list[dict[str, Any]] = field(default_factory=list)
    path_below_root: str = ""
    """Of a file that a wildcard found: its path below the folder where the wildcards begin."""
