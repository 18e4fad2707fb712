"""Lenient reading of query parameters."""

from rest_framework.request import Request


def boolean(value: str | None) -> bool:
    """`True`, `true`, `1`, `yes` and `on` are true; anything else, and nothing, is false."""
    return (value or "").strip().lower() in {"true", "1", "yes", "on"}


def names(request: Request, parameter: str) -> frozenset[str]:
    """A comma-separated list of names, spaces ignored: `?exclude=metadata, events`."""
    raw = request.query_params.get(parameter, "")
    return frozenset(name.strip() for name in raw.split(",") if name.strip())
