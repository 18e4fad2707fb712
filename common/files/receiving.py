"""An upload on its way into the file system storage: nobody ever sees half a file, and none is ever replaced."""

import errno
import filecmp
import logging
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path

from common.errors import DomainError
from common.files import parts
from common.files.requests import FileRequest, incoming_folder

logger = logging.getLogger(__name__)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LengthMissing(DomainError):
    code = "length_required"
    http_status = 411

    def __init__(self) -> None:
        super().__init__("Say how long the file is: send a Content-Length.")


class TooLarge(DomainError):
    code = "too_large"
    http_status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"This upload was announced with {limit_bytes} bytes and cannot be longer.")


class Incomplete(DomainError):
    code = "incomplete"

    def __init__(self, received_bytes: int, expected_bytes: int) -> None:
        super().__init__(f"Only {received_bytes} of {expected_bytes} bytes arrived. Upload the file again.")


class AlreadyStored(DomainError):
    """Stored files never change."""

    code = "already_stored"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            "Another content is already stored here, and stored files never change. Ask for a new upload."
        )


class StorageFull(DomainError):
    code = "storage_full"
    http_status = 507

    def __init__(self) -> None:
        super().__init__(
            "The storage of this installation has no room for the file. Purge data that is not needed, or ask the "
            "operator for more space, then upload again."
        )


class StorageFailed(DomainError):
    code = "storage_failed"
    http_status = 500

    def __init__(self) -> None:
        super().__init__(
            "The storage of this installation failed. Try again; its operator finds why in the log."
        )


class Receiving(ABC):
    """One upload. `write` the blocks, then `store`; `abandon` leaves nothing half behind, also after `store`."""

    def __init__(self, request: FileRequest) -> None:
        """Raises `LengthMissing`, `TooLarge` or `StorageFull`, so that a refused upload need not be sent at all."""
        self._request = request
        self._received = 0
        self._expected = _announced_length(request)
        folder = incoming_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < self._expected:
            raise StorageFull
        self._file = os.fdopen(self._open(folder), "wb", buffering=0)

    @abstractmethod
    def _open(self, folder: Path) -> int:
        """A descriptor to write the body with."""

    @abstractmethod
    def _keep(self) -> None:
        """The body is whole and synced to the disk: put it where it belongs."""

    def write(self, block: bytes) -> None:
        self._received += len(block)
        if self._received > self._expected:
            raise TooLarge(self._expected)
        try:
            view = memoryview(block)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise _explained(error) from error

    def store(self) -> int:
        """Make the body durable; its size. Raises `Incomplete`, `AlreadyStored` or `StorageFull`."""
        if self._received != self._expected:
            raise Incomplete(self._received, self._expected)
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._keep()
        except OSError as error:
            raise _explained(error) from error
        finally:
            self.abandon()
        return self._received

    def abandon(self) -> None:
        self._file.close()


class WholeFile(Receiving):
    def _open(self, folder: Path) -> int:
        descriptor, name = tempfile.mkstemp(dir=folder)
        os.fchmod(descriptor, 0o644)
        self._path = Path(name)
        return descriptor

    def _keep(self) -> None:
        place(self._path, self._request.path)

    def abandon(self) -> None:
        super().abandon()
        self._path.unlink(missing_ok=True)


class OnePart(Receiving):
    """Of an upload in parts, see `common.files.parts`."""

    def _open(self, folder: Path) -> int:
        descriptor = parts.open_place(self._request.granted.upload_id)
        os.lseek(descriptor, self._request.granted.offset, os.SEEK_SET)
        return descriptor

    def _keep(self) -> None:
        granted = self._request.granted
        parts.note_received(granted.upload_id, granted.part_number, self._received)


def receive(request: FileRequest) -> Receiving:
    return OnePart(request) if request.granted.upload_id else WholeFile(request)


def place(path: Path, target: Path) -> None:
    """Make a whole file visible at `target`, durably. Raises `AlreadyStored` when another content is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)  # unlike a rename, it never replaces what is there
    except FileExistsError:
        # The client may not have heard that its first attempt succeeded.
        if not filecmp.cmp(path, target, shallow=False):
            raise AlreadyStored from None
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        _rename(path, target)
    _sync_folder(target.parent)


def _rename(path: Path, target: Path) -> None:
    """For file systems without hard links."""
    if target.exists():
        raise AlreadyStored
    path.rename(target)


def _announced_length(request: FileRequest) -> int:
    # Some clients say nothing of the length of nothing.
    nothing = "0" if request.granted.size_bytes == 0 and "transfer-encoding" not in request.headers else ""
    text = request.headers.get("content-length", "") or nothing
    if not text.isascii() or not text.isdigit():
        raise LengthMissing
    expected, limit = int(text), request.granted.size_bytes
    if limit is not None and expected > limit:
        raise TooLarge(limit)
    return expected


def _explained(error: OSError) -> DomainError:
    if error.errno in _NO_ROOM:
        return StorageFull()
    logger.error("file not stored", exc_info=error)
    return StorageFailed()


def _sync_folder(folder: Path) -> None:
    """A new name is durable only with its folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
