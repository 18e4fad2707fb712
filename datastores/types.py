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
    package_id: UUID | None = None
    """Of a file that is in a package: it has no address of its own then, and is the member with the name of its datum."""


@dataclass(frozen=True)
class InputPackage:
    """A package of small files, with everything a worker needs to fetch and check it."""

    package_id: UUID
    url: str
    headers: dict[str, str]
    size: int
    sha256: str
    file_count: int


@dataclass(frozen=True)
class Position:
    """How far the files behind one address were listed."""

    found: int = 0
    after: str = ""
    """The last key that was looked at; of a dataset, the last row."""


@dataclass(frozen=True)
class Listing:
    """Some of the files behind an address, and the packages that hold those without an address of their own."""

    files: list[InputFile]
    following: Position | None = None
    """Where to go on; None after the last."""
    packages: list[InputPackage] = field(default_factory=list)
