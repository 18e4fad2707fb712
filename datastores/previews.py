"""A first look at a file without downloading it. Whatever a job wrote is text here, never markup."""

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.core.files.storage import default_storage

from datastores.models import Datum

MOST_BYTES = 256 * 1024
MOST_ROWS = 500
MOST_COLUMNS = 100
MOST_IMAGE_BYTES = 20 * 1024 * 1024
# SVG is left out on purpose: it is a document that can carry scripts.
IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}


@dataclass(frozen=True)
class Preview:
    kind: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    image_type: str = ""
    truncated: bool = False
    reason: str = ""


def preview(datum: Datum) -> Preview:
    if datum.purged_at:
        return Preview("none", reason="The content was purged.")
    suffix = PurePosixPath(datum.name.lower()).suffix
    if suffix in IMAGE_TYPES:
        if datum.size_bytes > MOST_IMAGE_BYTES:
            return Preview("none", reason="The image is too large to show. Download it.")
        return Preview("image", image_type=IMAGE_TYPES[suffix])
    try:
        with default_storage.open(datum.key) as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Preview("none", reason="The file is gone from its store.")
    return preview_bytes(content[:MOST_BYTES], suffix, truncated=len(content) > MOST_BYTES)


def preview_bytes(content: bytes, suffix: str, *, truncated: bool) -> Preview:
    text = _decode(content)
    if text is None:
        return Preview("none", reason="The file is binary. Download it.")
    if suffix == ".csv" or suffix == ".tsv":
        return _table(text, "\t" if suffix == ".tsv" else ",", truncated)
    if suffix in (".json", ".ipynb") and not truncated:
        try:
            return Preview("json", text=json.dumps(json.loads(text), indent=2, ensure_ascii=False))
        except (ValueError, RecursionError):
            return Preview("text", text=text)
    return Preview("text", text=text, truncated=truncated)


def _decode(content: bytes) -> str | None:
    """The text of the bytes, None when they are not text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        return None
    # The cut at the end may fall into a character; three bytes are the most that can be missing.
    for end in range(len(content), max(-1, len(content) - 4), -1):
        try:
            return content[:end].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _table(text: str, delimiter: str, truncated: bool) -> Preview:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if len(rows) >= MOST_ROWS:
                return Preview("csv", rows=rows, truncated=True)
            rows.append(row[:MOST_COLUMNS])
    except csv.Error:
        return Preview("text", text=text, truncated=truncated)
    return Preview("csv", rows=rows, truncated=truncated)
