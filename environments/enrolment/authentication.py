"""Who an agent is: `Worker <identity>.<secret>`."""

import hmac
from hashlib import sha256

from environments.enrolment.errors import (
    CredentialRevoked,
    CredentialUnknown,
    IdentityTaken,
    NotEnrolled,
    WrongQueue,
)
from environments.enrolment.models import WorkerCredential
from environments.enrolment.types import FOR_ONE_JOB, SCHEME
from environments.models import Environment


def digest_of(secret: str) -> str:
    """Secrets are random and long, so that a plain hash is enough: there is nothing to guess."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def worker_of(header: str) -> WorkerCredential:
    """The worker of an `Authorization` header. Raises `CredentialUnknown` or `CredentialRevoked`."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != SCHEME:
        raise CredentialUnknown
    return credential_of(text.strip())


def credential_of(text: str) -> WorkerCredential:
    identity, _, secret = text.rpartition(".")
    found = _known(identity)
    if found is None or not hmac.compare_digest(found.digest, digest_of(secret)):
        raise CredentialUnknown
    if found.revoked_at is not None:
        raise CredentialRevoked(identity)
    return found


def admit_claim(*, environment: Environment, identity: str, credential: str) -> None:
    """Whether the worker that calls itself `identity` may run jobs of the environment. Raises a `WorkerRefused`.

    Agents of before there was enrolment, and those of the installation's own machine, have no credential: they are let in
    where the environment does not ask for one, and never under the identity of an enrolled worker.
    """
    if not credential:
        if environment.requires_enrolled_workers:
            raise NotEnrolled(environment.slug, identity)
        if _known(identity.partition(FOR_ONE_JOB)[0]) is not None:
            raise IdentityTaken(identity)
        return
    found = credential_of(credential)
    if identity.partition(FOR_ONE_JOB)[0] != found.worker.identity:
        raise IdentityTaken(identity)
    if found.environment.queue_name != environment.queue_name:
        raise WrongQueue(identity, found.environment.queue_name)


def _known(identity: str) -> WorkerCredential | None:
    if not identity or "\0" in identity:
        return None
    rows = WorkerCredential.objects.select_related("worker", "environment__owner")
    return rows.filter(worker__identity=identity).first()
