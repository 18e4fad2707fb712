"""Text that is made while it is sent, to be saved as a file."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

_ROWS_AT_ONCE = 500


class _Line:
    """What `csv.writer` writes to: keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def attachment(pieces: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """Text to be saved as a file."""
    response = StreamingHttpResponse(pieces, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(header)
    yield line.text
    piece: list[str] = []
    for row in rows:
        writer.writerow(row)
        piece.append(line.text)
        if len(piece) >= _ROWS_AT_ONCE:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text: what would begin a formula gets a `'` in front."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
