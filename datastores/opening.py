"""From the row of a store to the object store behind it."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from common.errors import DomainError
from common.objectstores import ObjectStore
from common.objectstores.opening import open_store
from common.objectstores.platform import platform_store
from datastores import away
from datastores.models import DataStore

KEPT_SECONDS = 20 * 60
"""Less than what temporary credentials of a role are good for."""

_kept = threading.local()


def object_store(store: DataStore) -> ObjectStore:
    """Open it, or take the one that this thread has open: clients of clouds are slow to make and not all may be shared.

    Raises `StoreProblem` when its configuration cannot be used, or when it did not answer a moment ago.
    """
    if store.kind == DataStore.Kind.PLATFORM:
        return platform_store()
    stores: dict[Any, tuple[float, ObjectStore]] = _kept.__dict__.setdefault("stores", {})
    key = (store.pk, store.updated_at)
    opened = stores.get(key)
    if opened is None or opened[0] < time.monotonic():
        for stale in [known for known in stores if known[0] == store.pk]:
            del stores[stale]
        opened = stores[key] = (time.monotonic() + KEPT_SECONDS, _opened(store))
    return opened[1]


@contextmanager
def answering(store: DataStore) -> Iterator[ObjectStore]:
    """The store for somebody who waits for it: when it does not answer, the next one who asks is told at once."""
    away.require_not_away(store)
    try:
        yield object_store(store)
    except DomainError as error:
        away.remember(store, error)
        raise


def _opened(store: DataStore) -> ObjectStore:
    away.require_not_away(store)
    try:
        return open_store(store.kind, settings_of(store))
    except DomainError as error:
        away.remember(store, error)
        raise


def settings_of(store: DataStore) -> Mapping[str, Any]:
    """The configuration with its secret half."""
    secrets = json.loads(store.credentials) if store.credentials else {}
    return {**store.configuration, **secrets}
