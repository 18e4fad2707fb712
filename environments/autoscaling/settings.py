"""The installation's settings of autoscaling, as the parts of it need them."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from environments.autoscaling.planner import Times


def times() -> Times:
    return Times(
        enrolment=timedelta(seconds=settings.MACHINE_ENROLMENT_SECONDS),
        silence=timedelta(seconds=settings.MACHINE_SILENCE_SECONDS),
        settling=timedelta(seconds=2 * settings.HEARTBEAT_SECONDS),
    )


def agent_settings(queue_name: str, machine_id: UUID) -> dict[str, str]:
    """The configuration of a new machine's agent."""
    return {
        "APP_URL": settings.AGENT_APP_URL,
        "REDIS_URL": settings.AGENT_REDIS_URL,
        "QUEUES": queue_name,
        "PEON_MACHINE_ID": str(machine_id),
    }
