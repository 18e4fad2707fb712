"""Ids that a browser sent."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID


def valid_ids(texts: Iterable[str]) -> list[UUID]:
    """Those that are ids; anything else names nothing."""
    ids = []
    for text in texts:
        with suppress(ValueError):
            ids.append(UUID(text))
    return ids
