"""Every route of the URL configuration, as text."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def all_routes() -> dict[str, URLPattern]:
    """Full route text (as in `path()`, prefixes joined) -> pattern, the admin site aside (it has a test of its own)."""
    return {route: pattern for route, pattern in _walk(get_resolver(), "") if not route.startswith("admin/")}


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, text)
        else:
            yield text, entry
