"""Addresses of objects in users' stores, `scheme://container/key`, and which store of a project they lie in.

Nothing is contacted here: a store's part of an address follows from its configuration.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from datastores.models import DataStore

SCHEMES = {"s3": "s3", "gs": "google", "azure": "azure", "swift": "swift"}
"""Scheme of an address -> kind of store."""
_WILDCARD = re.compile(r"\*\*|\*")


@dataclass(frozen=True)
class Placed:
    """An address that lies in a store: the key, which may hold wildcards."""

    store: DataStore
    key: str


def has_store_scheme(uri: str) -> bool:
    return uri.partition("://")[0].lower() in SCHEMES and "://" in uri


def place_in(stores: Iterable[DataStore], uri: str) -> Placed | None:
    """The store whose part the address begins with; of several the one with the longest part."""
    best: Placed | None = None
    longest = 0
    for store in stores:
        prefix = prefix_of(store)
        if prefix and uri.startswith(prefix) and len(uri) > len(prefix) > longest:
            best, longest = Placed(store, uri[len(prefix) :]), len(prefix)
    return best


def prefix_of(store: DataStore) -> str:
    """`s3://bucket/` and the like; empty for a store whose files have no address of their own."""
    settings = store.configuration
    if store.kind == DataStore.Kind.S3:
        return f"s3://{settings.get('bucket', '')}/"
    if store.kind == DataStore.Kind.GOOGLE:
        return f"gs://{settings.get('bucket', '')}/"
    if store.kind == DataStore.Kind.AZURE:
        return f"azure://{settings.get('account_name', '')}/{settings.get('container', '')}/"
    if store.kind == DataStore.Kind.SWIFT:
        return f"swift://{settings.get('container', '')}/"
    return ""


def is_pattern(key: str) -> bool:
    return "*" in key


def fixed_part(pattern: str) -> str:
    """What every key that matches begins with."""
    return pattern.partition("*")[0]


def matcher(pattern: str) -> re.Pattern[str]:
    """`*` stands for anything within one level, `**` for anything in any number of levels.

    Neighbouring wildcards are joined, so that no pattern takes long to match.
    """
    joined = re.sub(r"\*{2,}", "**", pattern)
    parts = []
    last = 0
    for found in _WILDCARD.finditer(joined):
        parts.append(re.escape(joined[last : found.start()]))
        parts.append(".*" if found.group() == "**" else "[^/]*")
        last = found.end()
    parts.append(re.escape(joined[last:]))
    return re.compile("".join(parts) + r"\Z", re.DOTALL)


def root_of(pattern: str) -> str:
    """The folder below which the wildcards begin; what `keep-directories: suffix` cuts off."""
    return fixed_part(pattern).rpartition("/")[0]
