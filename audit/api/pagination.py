"""Pages of the log in the house's list shape. They are not counted, and `next` begins where the page ended, so that the
thousandth page costs what the first one does and new rows shift nothing."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from audit.types import Position

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 10_000


def position(request: Request) -> Position | None:
    return Position.parse(request.query_params.get("before", ""))


def limit(request: Request) -> int:
    text = request.query_params.get("limit", "").lstrip("0")
    if not (text.isascii() and text.isdigit()):
        return DEFAULT_LIMIT
    # The number of digits first: Python does not read numbers of any length.
    return LARGEST_LIMIT if len(text) > len(str(LARGEST_LIMIT)) else min(int(text), LARGEST_LIMIT)


def answer(request: Request, rows: list[dict[str, Any]], older: Position | None) -> Response:
    following = replace_query_param(request.build_absolute_uri(), "before", str(older)) if older else None
    return Response({"count": None, "next": following, "previous": None, "results": rows})
