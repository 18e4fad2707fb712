"""Writes of environments and workers."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import record_change, snapshot
from common import clock
from environments.errors import EnvironmentNotChangeable
from environments.models import Environment, Worker
from environments.selectors import LOCAL_SLUG


def ensure_default_environment() -> Environment:
    """The environment that every installation has; made at the first start, left as it is later."""
    environment, _ = Environment.objects.get_or_create(
        slug=LOCAL_SLUG,
        defaults={
            "name": "Local machine",
            "description": "The workers that come with this installation.",
            "queue_name": LOCAL_SLUG,
        },
    )
    return environment


@transaction.atomic
def set_enabled(*, environment: Environment, actor: User, enabled: bool) -> None:
    """Whether new executions may choose it; those that wait or run go on. For superusers of the installation."""
    if not actor.is_superuser:
        raise EnvironmentNotChangeable(environment)
    before = snapshot(environment, ("enabled",))
    environment.enabled = enabled
    environment.save(update_fields=["enabled", "updated_at"])
    after = snapshot(environment, ("enabled",))
    record_change("environment.changed", actor=actor, target=environment, before=before, after=after)


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
