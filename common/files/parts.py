"""One part of an upload in parts into the file system storage: written at its place in one file, in any order.

Whoever writes a part holds a shared lock on that file. Once the upload is finished nobody writes into it any more.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import DomainError
from common.files.requests import incoming_folder

CONTENT = "content"
_PART = re.compile(r"\A(\d+)-(\d+)\Z")


class PartTooLate(DomainError):
    code = "already_stored"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("This upload was finished, and stored files never change. Ask for a new upload.")


def folder_of_upload(upload_id: str) -> Path:
    return incoming_folder() / f"upload-{upload_id}"


def received_parts(upload_id: str) -> dict[int, int]:
    """Number -> size in bytes of the parts that arrived whole."""
    try:
        names = os.listdir(folder_of_upload(upload_id))
    except FileNotFoundError:
        return {}
    found = [match for match in map(_PART.match, names) if match]
    return {int(match[1]): int(match[2]) for match in found}


def open_place(upload_id: str) -> int:
    """A descriptor of the upload's one file, to write a part with. Raises `PartTooLate`."""
    folder = folder_of_upload(upload_id)
    folder.mkdir(parents=True, exist_ok=True)
    content = folder / CONTENT
    descriptor = os.open(content, os.O_CREAT | os.O_WRONLY, 0o644)
    if not _is_unfinished(descriptor, content):
        os.close(descriptor)
        raise PartTooLate
    return descriptor


def _is_unfinished(descriptor: int, content: Path) -> bool:
    """If so, the descriptor holds the shared lock from here on."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), content.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


@contextmanager
def finished_content(upload_id: str) -> Iterator[Path]:
    """The file with all parts, which nobody writes into any more. The upload is gone afterwards."""
    folder = folder_of_upload(upload_id)
    content = folder / CONTENT
    with content.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A part is being sent once more than it was needed, maybe by a connection that hangs: it gets the old file.
            content = folder / "copy"
            with content.open("wb") as copy:
                shutil.copyfileobj(file, copy)
                copy.flush()
                os.fsync(copy.fileno())
        yield content
        shutil.rmtree(folder, ignore_errors=True)


def write_part(upload_id: str, number: int, offset: int, content: bytes) -> None:
    """A part that comes from the platform itself. Raises `PartTooLate`."""
    with os.fdopen(open_place(upload_id), "wb") as file:
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    note_received(upload_id, number, len(content))


def note_received(upload_id: str, number: int, size_bytes: int) -> None:
    """An empty file whose name says that the part is whole. The last word on a part that is sent again counts."""
    folder = folder_of_upload(upload_id)
    for stale in folder.glob(f"{number}-*"):
        stale.unlink(missing_ok=True)
    (folder / f"{number}-{size_bytes}").touch()
