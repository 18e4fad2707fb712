"""Stores that did not answer, remembered for some seconds by all processes, so that not everybody waits for their time-outs.

What nobody waits for, such as what a worker asks for, tries by itself: `opening.object_store` asks here only before it opens one.
"""

from datetime import UTC, datetime

from django.core.cache import cache

from common import clock
from common.errors import DomainError
from common.network import HostUnknown
from common.objectstores.types import Problem, StoreProblem
from datastores.models import DataStore

REMEMBERED_SECONDS = 20


class StoreAway(StoreProblem):
    """Nobody asked the store now; it did not answer a moment ago."""

    def __init__(self, name: str, since: datetime, seconds_left: int) -> None:
        plural = "" if seconds_left == 1 else "s"
        super().__init__(
            Problem.UNREACHABLE,
            f"The data store '{name}' did not answer at {since:%H:%M} UTC. It is tried again in {seconds_left} second{plural}.",
        )


def require_not_away(store: DataStore) -> None:
    """Raises `StoreAway`."""
    since = cache.get(_key(store))
    if since is None:
        return
    left = REMEMBERED_SECONDS - (clock.now().timestamp() - since)
    raise StoreAway(
        store.name, datetime.fromtimestamp(since, UTC), min(REMEMBERED_SECONDS, max(1, round(left)))
    )


def remember(store: DataStore, error: DomainError) -> None:
    """If it is a store that did not answer; what it refused may be refused again."""
    is_silent = isinstance(error, StoreProblem) and error.problem == Problem.UNREACHABLE
    if (is_silent or isinstance(error, HostUnknown)) and not isinstance(error, StoreAway):
        cache.set(_key(store), clock.now().timestamp(), REMEMBERED_SECONDS)


def forget(store: DataStore) -> None:
    """Somebody who has mended it wants to know at once."""
    cache.delete(_key(store))


def _key(store: DataStore) -> str:
    """Another configuration is another store."""
    return f"store-away:{store.pk}:{store.updated_at.timestamp()}"
