"""From the row of a store to the object store behind it."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from common.objectstores import ObjectStore
from common.objectstores.opening import open_store
from common.objectstores.platform import platform_store
from datastores.models import DataStore

KEPT_SECONDS = 20 * 60
"""Less than what temporary credentials of a role are good for."""

_kept = threading.local()


def object_store(store: DataStore) -> ObjectStore:
    """Open it, or take the one that this thread has open: clients of clouds are slow to make and not all may be shared.

    Raises `StoreProblem` when its configuration cannot be used.
    """
    if store.kind == DataStore.Kind.PLATFORM:
        return platform_store()
    stores: dict[Any, tuple[float, ObjectStore]] = _kept.__dict__.setdefault("stores", {})
    key = (store.pk, store.updated_at)
    opened = stores.get(key)
    if opened is None or opened[0] < time.monotonic():
        for stale in [known for known in stores if known[0] == store.pk]:
            del stores[stale]
        opened = stores[key] = (time.monotonic() + KEPT_SECONDS, open_store(store.kind, settings_of(store)))
    return opened[1]


def settings_of(store: DataStore) -> Mapping[str, Any]:
    """The configuration with its secret half."""
    secrets = json.loads(store.credentials) if store.credentials else {}
    return {**store.configuration, **secrets}
