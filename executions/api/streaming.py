"""Long answers, sent while they are made."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

_AT_ONCE = 500


def json_list(items: Iterable[Any], before: str = "", after: str = "") -> StreamingHttpResponse:
    """A JSON array of `items`, between two pieces of JSON text."""
    return StreamingHttpResponse(_json_pieces(items, before, after), content_type="application/json")


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
