"""A first look at a file without downloading it. Whatever a job wrote is text here, never markup but what Markdown makes."""

import codecs
import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from common import markdown
from common.objectstores import ObjectMissing
from datastores.models import Datum
from datastores.notebooks import Notebook
from datastores.opening import answering

MOST_BYTES = 256 * 1024
MOST_NOTEBOOK_BYTES = 8 * 1024 * 1024
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
MEDIA: dict[str, tuple[str, int, tuple[bytes, ...]]] = {
    ".mp3": ("audio/mpeg", 0, (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    ".wav": ("audio/wav", 8, (b"WAVE",)),
    ".flac": ("audio/flac", 0, (b"fLaC",)),
    ".ogg": ("audio/ogg", 0, (b"OggS",)),
    ".opus": ("audio/ogg", 0, (b"OggS",)),
    ".m4a": ("audio/mp4", 4, (b"ftyp",)),
    ".mp4": ("video/mp4", 4, (b"ftyp",)),
    ".webm": ("video/webm", 0, (b"\x1aE\xdf\xa3",)),
}
"""Suffix -> type, and what stands at which place of such a file. The browser asks for the ranges that it plays."""
NOTEBOOK_SUFFIX = ".ipynb"
MARKDOWN_SUFFIXES = {".md", ".markdown"}
JSON_SUFFIXES = {".json", NOTEBOOK_SUFFIX, ".geojson"}
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Preview:
    kind: str
    text: str = ""
    html: str = ""
    """Of Markdown: safe markup."""
    rows: list[list[str]] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)
    content_type: str = ""
    """Of what the browser shows from its own address: images, audio, video."""
    truncated: bool = False
    reason: str = ""


def preview(datum: Datum) -> Preview:
    if datum.purged_at:
        return Preview("none", reason="The content was purged.")
    if not datum.size_bytes:
        return Preview("text")
    suffix = PurePosixPath(datum.name.lower()).suffix
    most_bytes = MOST_NOTEBOOK_BYTES if suffix == NOTEBOOK_SUFFIX else MOST_BYTES
    try:
        with answering(datum.store) as place:
            content = b"".join(place.read(datum.key, most_bytes=most_bytes))
    except ObjectMissing:
        return Preview("none", reason="The file is gone from its store.")
    image_type = _image_type(content, suffix)
    if image_type and datum.size_bytes > MOST_IMAGE_BYTES:
        return Preview("none", reason="The image is too large to show. Download it.")
    if image_type:
        return Preview("image", content_type=image_type)
    media_type = _media_type(content, suffix)
    if media_type:
        return Preview(media_type.partition("/")[0], content_type=media_type)
    return preview_bytes(content, suffix, truncated=datum.size_bytes > len(content))


def preview_bytes(content: bytes, suffix: str, *, truncated: bool) -> Preview:
    text = _decoded(content, truncated)
    if text is None:
        return Preview("none", reason="The file is binary. Download it.")
    if suffix in DELIMITERS:
        return _table(text, DELIMITERS[suffix], truncated)
    notebook = Notebook.parsed(text) if suffix == NOTEBOOK_SUFFIX and not truncated else None
    if notebook is not None:
        return Preview("notebook", cells=notebook.cells, truncated=notebook.truncated)
    if len(text) > MOST_BYTES:
        text, truncated = text[:MOST_BYTES], True
    if suffix in JSON_SUFFIXES and not truncated:
        return _json(text)
    html = markdown.rendered(text) if suffix in MARKDOWN_SUFFIXES else None
    if html is not None:
        return Preview("markdown", text=text, html=html, truncated=truncated)
    return Preview("text", text=text, truncated=truncated)


def _image_type(content: bytes, suffix: str) -> str:
    if suffix not in IMAGE_SUFFIXES:
        return ""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in IMAGE_BEGINNINGS if content.startswith(beginning)), "")


def _media_type(content: bytes, suffix: str) -> str:
    if suffix not in MEDIA:
        return ""
    kind, place, beginnings = MEDIA[suffix]
    return kind if content[place:].startswith(beginnings) else ""


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
    """Indented, unless that makes far more of it than there is: deep nesting would become a flood of spaces."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
            size += len(piece)
            if size > 8 * MOST_BYTES:
                return Preview("json", text=text)
            pieces.append(piece)
    except (ValueError, RecursionError):
        return Preview("text", text=text)
    # JSON may name halves of characters, which no answer can carry.
    return Preview("json", text="".join(pieces).encode("utf-8", "replace").decode())


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
