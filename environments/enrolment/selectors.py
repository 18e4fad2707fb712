"""Reads of tokens and enrolled workers, of environments that the caller manages."""

from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet

from common import clock
from environments.enrolment.errors import TokenNotFound, WorkerNotFound
from environments.enrolment.models import EnrolmentToken, WorkerCredential
from environments.models import Environment

CLONES_ARE_TOLD = timedelta(days=1)


def open_tokens(environment: Environment) -> QuerySet[EnrolmentToken]:
    """Those that can still let somebody in, newest first."""
    good = environment.enrolment_tokens.filter(
        revoked_at__isnull=True, expires_at__gt=clock.now(), used__lt=F("uses")
    )
    return good.select_related("creator").order_by("-id")


def token_of(environment: Environment, token_id: UUID) -> EnrolmentToken:
    found = environment.enrolment_tokens.select_related("environment__owner").filter(pk=token_id).first()
    if found is None:
        raise TokenNotFound(token_id)
    return found


def enrolled_workers(environment: Environment) -> QuerySet[WorkerCredential]:
    """Not revoked, those heard of last first."""
    return (
        environment.worker_credentials.filter(revoked_at__isnull=True)
        .select_related("worker")
        .order_by("-worker__last_seen_at", "worker__identity")
    )


def enrolled_worker(environment: Environment, credential_id: UUID) -> WorkerCredential:
    """Also a revoked one: asking again to revoke it does no harm."""
    found = (
        environment.worker_credentials.select_related("worker", "environment__owner")
        .filter(pk=credential_id)
        .first()
    )
    if found is None:
        raise WorkerNotFound(credential_id)
    return found


def refused_clone(credential: WorkerCredential) -> str | None:
    """The host of another machine that lately came under the worker's identity."""
    at = credential.clone_at
    return credential.clone_host if at is not None and clock.now() - at < CLONES_ARE_TOLD else None
