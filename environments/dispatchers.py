"""The dispatchers that hand jobs to clusters, as they describe themselves in Redis."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from common import clock
from environments.hellos import heard
from environments.models import Environment

SILENT_AFTER = timedelta(seconds=60)
_MOST_TEXT = 1000


@dataclass(frozen=True)
class Dispatcher:
    identity: str
    host: str
    agent_version: str
    last_seen: datetime
    problem: str
    """Why it hands nothing over at the moment; empty: it does."""
    is_alive: bool


def dispatchers_of(environment: Environment) -> list[Dispatcher] | None:
    """Those that said that they hand over its jobs, the latest first. None: Redis is away, so that nobody knows."""
    if not environment.is_dispatched:
        return []
    try:
        hellos = heard([environment.redis_queue])
    except redis.RedisError:
        return None
    found = [
        _read(hello.said)
        for hello in hellos
        if hello.said is not None and environment.redis_queue in hello.queues
    ]
    return sorted(found, key=lambda one: one.last_seen, reverse=True)


def _read(said: Mapping[str, Any]) -> Dispatcher:
    facts = said.get("facts")
    seen_at = said.get("seen_at")
    last_seen = datetime.fromtimestamp(seen_at if isinstance(seen_at, int | float) else 0, UTC)
    return Dispatcher(
        identity=_text(said.get("identity")),
        host=_text(said.get("host")),
        agent_version=_text(said.get("agent_version")),
        last_seen=last_seen,
        problem=_text(facts.get("problem")) if isinstance(facts, dict) else "",
        is_alive=clock.now() - last_seen < SILENT_AFTER,
    )


def _text(value: Any) -> str:
    return str(value or "")[:_MOST_TEXT]
