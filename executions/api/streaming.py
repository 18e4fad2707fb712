"""Long answers, sent while they are made."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

_AT_ONCE = 500


def json_list(items: Iterable[Any], before: str = "", after: str = "") -> StreamingHttpResponse:
    """A JSON array of `items`, between two pieces of JSON text."""
    return StreamingHttpResponse(_json_pieces(items, before, after), content_type="application/json")


def attachment(pieces: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """Text to be saved as a file."""
    response = StreamingHttpResponse(pieces, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _json_pieces(items: Iterable[Any], before: str, after: str) -> Iterator[str]:
    piece = before + "["
    waiting: list[str] = []
    separator = ""
    for item in items:
        waiting.append(json.dumps(item, ensure_ascii=False, separators=(",", ":")))
        if len(waiting) >= _AT_ONCE:
            yield piece + separator + ",".join(waiting)
            piece, separator = "", ","
            waiting.clear()
    if not waiting:
        separator = ""
    yield piece + separator + ",".join(waiting) + "]" + after
