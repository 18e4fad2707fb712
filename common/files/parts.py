"""One part of an upload in parts into the file system storage: written at its place in one file, in any order."""

import os
import re
from pathlib import Path

from common.files.requests import FileRequest, incoming_folder

CONTENT = "content"
_PART = re.compile(r"\A(\d+)-(\d+)\Z")


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


def open_place(request: FileRequest) -> int:
    """A descriptor of the upload's one file, to write this part with."""
    folder = folder_of_upload(request.granted.upload_id)
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / CONTENT, os.O_CREAT | os.O_WRONLY, 0o644)


def note_received(request: FileRequest, size_bytes: int) -> None:
    """An empty file whose name says that the part is whole. The last word on a part that is sent again counts."""
    folder, number = folder_of_upload(request.granted.upload_id), request.granted.part_number
    for stale in folder.glob(f"{number}-*"):
        stale.unlink(missing_ok=True)
    (folder / f"{number}-{size_bytes}").touch()
