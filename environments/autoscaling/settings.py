"""The installation's settings of autoscaling, as the parts of it need them."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from environments.autoscaling.facts import EnvironmentRow
from environments.autoscaling.planner import Times
from environments.autoscaling.providers import provider_named
from environments.autoscaling.providers.base import CloudProvider
from environments.enrolment.services import issue_token
from environments.enrolment.types import SHORTEST_LIFETIME
from environments.models import Environment


def times() -> Times:
    return Times(
        enrolment=timedelta(seconds=settings.MACHINE_ENROLMENT_SECONDS),
        silence=timedelta(seconds=settings.MACHINE_SILENCE_SECONDS),
        settling=timedelta(seconds=2 * settings.HEARTBEAT_SECONDS),
    )


def agent_settings(environment: EnvironmentRow, provider: str, machine_id: UUID) -> dict[str, str]:
    """The configuration of a new machine's agent. Where workers are to be enrolled, and in every cloud, it has a token in place of
    the queue's address."""
    return {
        "APP_URL": settings.AGENT_APP_URL,
        "QUEUES": environment.queue_name,
        "PEON_MACHINE_ID": str(machine_id),
        **_way_in(environment, provider, machine_id),
    }


def _way_in(environment: EnvironmentRow, provider: str, machine_id: UUID) -> dict[str, str]:
    is_abroad = isinstance(provider_named(provider), CloudProvider)
    if not environment.requires_enrolled_workers and not is_abroad:
        return {"REDIS_URL": settings.AGENT_REDIS_URL}
    lifetime = max(SHORTEST_LIFETIME, times().enrolment)
    row = Environment.objects.get(pk=environment.id)
    return {"PEON_TOKEN": issue_token(environment=row, machine_id=str(machine_id), lifetime=lifetime)}
