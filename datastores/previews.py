"""A first look at a file without downloading it. Whatever a job wrote is text here, never markup."""

import codecs
import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from common.objectstores import ObjectMissing
from datastores.models import Datum
from datastores.opening import object_store

MOST_BYTES = 256 * 1024
MOST_ROWS = 500
MOST_COLUMNS = 100
MOST_CELL_CHARACTERS = 500
MOST_IMAGE_BYTES = 20 * 1024 * 1024
# By content, not by name: a browser is told exactly what it gets. SVG is missing on purpose, it can carry scripts.
IMAGE_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t"}
JSON_SUFFIXES = {".json", ".ipynb", ".geojson"}
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


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
    if not datum.size_bytes:
        return Preview("text")
    try:
        content = b"".join(object_store(datum.store).read(datum.key, most_bytes=MOST_BYTES))
    except ObjectMissing:
        return Preview("none", reason="The file is gone from its store.")
    suffix = PurePosixPath(datum.name.lower()).suffix
    image_type = _image_type(content, suffix)
    if image_type and datum.size_bytes > MOST_IMAGE_BYTES:
        return Preview("none", reason="The image is too large to show. Download it.")
    if image_type:
        return Preview("image", image_type=image_type)
    return preview_bytes(content, suffix, truncated=datum.size_bytes > len(content))


def preview_bytes(content: bytes, suffix: str, *, truncated: bool) -> Preview:
    text = _decoded(content, truncated)
    if text is None:
        return Preview("none", reason="The file is binary. Download it.")
    if suffix in DELIMITERS:
        return _table(text, DELIMITERS[suffix], truncated)
    if suffix in JSON_SUFFIXES and not truncated:
        return _json(text)
    return Preview("text", text=text, truncated=truncated)


def _image_type(content: bytes, suffix: str) -> str:
    if suffix not in IMAGE_SUFFIXES:
        return ""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in IMAGE_BEGINNINGS if content.startswith(beginning)), "")


def _decoded(content: bytes, truncated: bool) -> str | None:
    """The text of the bytes, None when they are not text."""
    encoding = next((name for mark, name in BOMS if content.startswith(mark)), "")
    if not encoding and b"\0" in content:
        return None
    try:
        # An incremental decoder keeps what it lacks the rest of: the cut may fall into a character.
        decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
        return decoder.decode(content, final=not truncated)
    except UnicodeDecodeError:
        # Every byte is a character in this one, so that something readable comes of any Western text.
        return content.decode(encoding or "cp1252", errors="replace")


def _json(text: str) -> Preview:
    """Indented, unless that makes far more of it than there is."""
    try:
        indented = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return Preview("text", text=text)
    return Preview("json", text=indented if len(indented) <= 8 * MOST_BYTES else text)


def _table(text: str, delimiters: str, truncated: bool) -> Preview:
    first_line = text.split("\n", 1)[0]
    delimiter = max(delimiters, key=first_line.count)
    rows: list[list[str]] = []
    cut = truncated
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(rows) >= MOST_ROWS:
                return Preview("csv", rows=rows, truncated=True)
            cut = cut or len(row) > MOST_COLUMNS
            rows.append([cell[:MOST_CELL_CHARACTERS] for cell in row[:MOST_COLUMNS]])
    except csv.Error:
        return Preview("text", text=text, truncated=truncated)
    if truncated and len(rows) > 1:
        rows.pop()  # the last row may be half a row
    return Preview("csv", rows=rows, truncated=cut)
