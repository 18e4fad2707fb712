"""What a signed address is."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Grant:
    """One HTTP request that may be made without further credentials, for a while."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Download:
    """Which object is read, and how the answer presents it."""

    name: str
    filename: str
    content_type: str
    inline: bool
    lifetime_seconds: int


class Backend(Protocol):
    """A storage that can grant single requests on single objects, and read the beginning of one."""

    def get(self, download: Download, base_url: str) -> Grant: ...

    def put(self, name: str, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant: ...

    def read_start(self, name: str, most_bytes: int) -> bytes:
        """At most the first `most_bytes` of a non-empty object. Raises `FileNotFoundError`."""
        ...
