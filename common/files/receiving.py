"""An upload on its way into the file system storage: nobody ever sees half a file, and none is ever replaced."""

import errno
import filecmp
import logging
import os
import shutil
import tempfile
from pathlib import Path

from common.errors import DomainError
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


class Incoming:
    """One upload. `write` the blocks, then `store`; `abandon` leaves nothing behind, also after `store`."""

    def __init__(self, request: FileRequest) -> None:
        """Raises `LengthMissing`, `TooLarge` or `StorageFull`, so that a refused upload need not be sent at all."""
        self._target = request.path
        self._received = 0
        self._expected = _announced_length(request)
        folder = incoming_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < self._expected:
            raise StorageFull
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

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
        """Make the file durable and visible; its size. Raises `Incomplete`, `AlreadyStored` or `StorageFull`."""
        if self._received != self._expected:
            raise Incomplete(self._received, self._expected)
        try:
            os.fchmod(self._file.fileno(), 0o644)
            os.fsync(self._file.fileno())
            self._file.close()
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._place()
            _sync_folder(self._target.parent)
        except OSError as error:
            raise _explained(error) from error
        finally:
            self.abandon()
        return self._received

    def abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _place(self) -> None:
        try:
            os.link(self._path, self._target)  # unlike a rename, it never replaces what is there
        except FileExistsError:
            # The client may not have heard that its first attempt succeeded.
            if not filecmp.cmp(self._path, self._target, shallow=False):
                raise AlreadyStored from None
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            self._rename()

    def _rename(self) -> None:
        """For file systems without hard links."""
        if self._target.exists():
            raise AlreadyStored
        self._path.rename(self._target)


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
