"""A request to `/files/`: what it may do, and to which file. Shared by the event loop's server and the Django view."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import FileSystemStorage, storages

from common.errors import DomainError, NotFound
from common.files.tokens import AddressInvalid, FileToken, verify

METHODS = ("GET", "HEAD", "PUT")
INCOMING = "incoming"
"""Folder of uploads on their way, below the storage: on the same file system, so that the last step is a link."""


class MethodRefused(DomainError):
    code = "method_not_allowed"
    http_status = 405

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is of no use here; an address is good for {', '.join(METHODS)}.")


class ServedElsewhere(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "This installation does not keep files itself: their addresses lead to its object storage."
        )


@dataclass(frozen=True)
class FileRequest:
    granted: FileToken
    filename: str
    path: Path
    headers: Mapping[str, str] = field(default_factory=dict)
    """With names in lower case."""


def read_request(*, method: str, token: str, filename: str, headers: Mapping[str, str]) -> FileRequest:
    """Raises `MethodRefused`, `AddressInvalid`, `AddressExpired` or `ServedElsewhere`."""
    if method not in METHODS:
        raise MethodRefused(method)
    granted = verify(token, filename, method="PUT" if method == "PUT" else "GET", now=time.time())
    try:
        path = Path(local_storage().path(granted.name))
    except SuspiciousOperation as error:
        raise AddressInvalid("This address leads out of the storage.") from error
    return FileRequest(granted, filename, path, headers)


def local_storage() -> FileSystemStorage:
    storage = storages["default"]
    if not isinstance(storage, FileSystemStorage):
        raise ServedElsewhere
    return storage


def incoming_folder() -> Path:
    return Path(local_storage().base_location) / INCOMING


def remove_leftovers(older_than_seconds: float) -> int:
    """Remove uploads that a killed process left half-way; how many there were."""
    try:
        folder = incoming_folder()
    except ServedElsewhere:
        return 0
    removed = 0
    for path in folder.glob("*") if folder.is_dir() else ():
        if time.time() - path.stat().st_mtime > older_than_seconds:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            removed += 1
    return removed
