"""Lenient reading of the numbers and names in the queries of logs and metadata."""

from rest_framework.request import Request

from peon.protocol import events


def number(request: Request, parameter: str, default: int, *, least: int = 0, most: int = 2**53) -> int:
    """A whole number within bounds; anything else is the default."""
    try:
        value = int(request.query_params.get(parameter, ""))
    except ValueError:
        return default
    return min(max(value, least), most)


def streams(request: Request) -> frozenset[str] | None:
    """`?streams=o,e,s`, also as `stdout,stderr,status`; None when all are wanted."""
    asked = {name.strip() for name in request.query_params.get("streams", "").split(",") if name.strip()}
    chosen = {kind for kind, name in events.STREAM_NAMES.items() if kind in asked or name in asked}
    return None if not asked or len(chosen) == len(events.STREAM_NAMES) else frozenset(chosen)
