"""Every route of the URL configuration, as text."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def all_routes() -> dict[str, URLPattern]:
    """Full route text (as in `path()`, prefixes joined) -> pattern, the admin site aside (it has a test of its own)."""
    return {route: pattern for route, pattern in _walk(get_resolver(), "") if not route.startswith("admin/")}


def as_in_schema(route: str) -> str:
    """The route as the OpenAPI document writes it: /api/v0/projects/{project_id}/"""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def parameters_of(route: str) -> list[str]:
    return [first or second for first, second in re.findall(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>", route)]


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, text)
        else:
            yield text, entry
