"""The answer to a GET or HEAD of a stored file: whole or a range, always presented as somebody's data, never as a page."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from common.errors import DomainError, NotFound
from common.files.requests import FileRequest
from common.objectstores.headers import disposition

BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"\Abytes=(\d{0,18})-(\d{0,18})\Z")


class FileGone(NotFound):
    def __init__(self) -> None:
        super().__init__("The file is not in the storage: it was purged, or its upload did not finish.")


class RangeImpossible(DomainError):
    code = "range_not_satisfiable"
    http_status = 416

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes; the range begins after them.")
        self.size_bytes = size_bytes


@dataclass(frozen=True)
class Answer:
    """`length` bytes of `file` from `first` on; the caller closes the file."""

    status: int
    headers: dict[str, str]
    file: BinaryIO
    first: int = 0
    length: int = 0


@dataclass(frozen=True)
class _Extent:
    status: int
    first: int
    length: int
    headers: dict[str, str] = field(default_factory=dict)


def answer(request: FileRequest) -> Answer:
    """Raises `FileGone` or `RangeImpossible`."""
    try:
        file = request.path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileGone from error
    try:
        facts = os.fstat(file.fileno())
        etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        extent = _extent(request.headers, etag, facts.st_size)
    except DomainError:
        file.close()
        raise
    headers = {**_headers(request), "ETag": etag, "Content-Length": str(extent.length), **extent.headers}
    return Answer(extent.status, headers, file, extent.first, extent.length)


def _headers(request: FileRequest) -> dict[str, str]:
    return {
        "Content-Type": request.granted.content_type,
        "Content-Disposition": disposition(request.filename, inline=request.granted.inline),
        "Accept-Ranges": "bytes",
        # The content is whatever a job wrote. Even where it is shown, nothing of it may run here or be embedded elsewhere.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-cache",
    }


def _extent(headers: Mapping[str, str], etag: str, size: int) -> _Extent:
    if etag in _etags(headers.get("if-none-match", "")):
        return _Extent(304, 0, 0)
    wanted = _RANGE.match(headers.get("range", ""))
    # Several ranges, other units and a changed file get the whole: a server may always answer so.
    if not wanted or wanted.groups() == ("", "") or headers.get("if-range", etag) != etag:
        return _Extent(200, 0, size)
    first, last = _bounds(wanted.group(1), wanted.group(2), size)
    if first >= size:
        raise RangeImpossible(size)
    if last < first:
        return _Extent(200, 0, size)
    return _Extent(206, first, last - first + 1, {"Content-Range": f"bytes {first}-{last}/{size}"})


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of `first-last`, `first-` or `-how many from the end`."""
    if first == "":
        return (max(0, size - int(last)), size - 1) if int(last) else (size, size)
    return int(first), min(int(last), size - 1) if last else size - 1


def _etags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
