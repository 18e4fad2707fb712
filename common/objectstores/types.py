"""What every store can do, and what can go wrong with one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from common.errors import DomainError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Grant:
    """One HTTP request that may be made without further credentials, for a while."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Download:
    """Which object is read, and how the answer presents it."""

    key: str
    filename: str
    content_type: str
    inline: bool
    lifetime_seconds: int


@dataclass(frozen=True)
class ObjectFacts:
    """What a store says of an object. `md5` is hexadecimal, where the store knows it of the whole object."""

    key: str
    size_bytes: int
    modified_at: datetime
    etag: str = ""
    md5: str | None = None


@dataclass(frozen=True)
class Part:
    """A part that was uploaded: its number, from 1, its size, and the `ETag` that the store answered with."""

    number: int
    size_bytes: int
    etag: str = ""


class Problem(StrEnum):
    """What is wrong with a store, as far as whoever set it up can mend it."""

    UNREACHABLE = "store_unreachable"
    CREDENTIALS = "store_credentials"
    PERMISSION = "store_permission"
    CONTAINER = "store_container_missing"
    REGION = "store_wrong_region"
    CLOCK = "store_clock"
    CONFIGURATION = "store_configuration"
    LIBRARY = "store_library_missing"
    FAILED = "store_failed"


_TRANSIENT = frozenset({Problem.UNREACHABLE, Problem.FAILED})


class StoreProblem(DomainError):
    """The store did not do what it was asked; the message says what to change."""

    http_status = 502

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message, code=problem.value)
        self.problem = problem
        self.is_transient = problem in _TRANSIENT


class ObjectMissing(DomainError):
    code = "object_missing"
    http_status = 404

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri} does not exist in the store.")


@dataclass(frozen=True)
class UploadLimits:
    """How large things may be. Larger objects than `single_put_bytes` are uploaded in parts."""

    single_put_bytes: int
    least_part_bytes: int = 32 * MEBIBYTE
    most_parts: int = 10_000


class ObjectStore(Protocol):
    """A place for objects. Keys are slash-separated text; sizes are bytes; lifetimes are seconds.

    Every method but the `grant_` ones may talk to the store and raise `StoreProblem`. `base_url` is the scheme and host by which
    the caller reached us; only the file system needs it.
    """

    limits: UploadLimits

    def uri(self, key: str) -> str:
        """How users write the address of an object, such as `s3://bucket/key`."""
        ...

    def key_in(self, uri: str) -> str | None:
        """The key that such an address names; None when it is not an address of this store."""
        ...

    def grant_get(self, download: Download, *, base_url: str) -> Grant: ...

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        """A request that writes the whole object, of at most `size_bytes` where the store can enforce it."""
        ...

    def start_upload(self, key: str) -> str:
        """Begin an upload in parts; its id."""
        ...

    def grant_part(
        self,
        key: str,
        *,
        upload_id: str,
        number: int,
        offset: int,
        size_bytes: int,
        lifetime_seconds: int,
        base_url: str,
    ) -> Grant:
        """A request that writes part `number`, which begins at `offset` of the object and has `size_bytes`. It may be
        repeated. Stores that can refuse another size do."""
        ...

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        """What `grant_part` grants, done here: for large objects that the platform makes itself."""
        ...

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        """Make the parts, in the order of their numbers, the object. Raises `ObjectMissing` when a part is not there."""
        ...

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        """Forget the upload and its parts. Repeating it changes nothing."""
        ...

    def facts(self, key: str) -> ObjectFacts | None: ...

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        """Every object whose key begins with `prefix`, in the order of their keys; with `after`, those behind this key."""
        ...

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        """Blocks of the object from byte `first` on. Raises `ObjectMissing`."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """For small objects of the platform itself, such as test files."""
        ...

    def delete(self, key: str) -> None:
        """An object that is not there is no error."""
        ...

    def copy(self, source_key: str, target_key: str) -> None: ...


def part_size(size_bytes: int, limits: UploadLimits) -> int:
    """The size of the parts of an object, all alike but the last: as small as the store and its number of parts allow."""
    least = max(limits.least_part_bytes, -(-size_bytes // limits.most_parts))
    return -(-least // MEBIBYTE) * MEBIBYTE


def part_extents(size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
    """(offset, size) of each part, in order."""
    return [(start, min(part_bytes, size_bytes - start)) for start in range(0, size_bytes, part_bytes)]
