"""What workers say of themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from common import clock
from environments.models import Worker


def record_worker(
    *,
    identity: str,
    host: str,
    agent_version: str = "",
    runtime: str = "",
    queues: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write down how a worker describes itself, and that it was heard of now. One statement: a job waits for it."""
    worker = Worker(
        identity=identity[:128],
        host=host[:255],
        agent_version=agent_version[:32],
        runtime=runtime[:16],
        queues=list(queues),
        facts=dict(facts or {}),
        last_seen_at=clock.now(),
    )
    described = ["host", "agent_version", "runtime", "queues", "facts", "last_seen_at", "updated_at"]
    Worker.objects.bulk_create(
        [worker], update_conflicts=True, unique_fields=["identity"], update_fields=described
    )
