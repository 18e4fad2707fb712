"""Writes of enrolment: tokens, workers that come and go, and their revocation."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.db import transaction

from accounts.models import User
from audit.services import record
from common import clock
from common.ids import new_token
from environments.access import require_management
from environments.enrolment import lifecycle, redis_users
from environments.enrolment.authentication import digest_of
from environments.enrolment.errors import (
    CredentialRevoked,
    TokenExpired,
    TokenForeign,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    TokenWishRefused,
    WorkerCloned,
)
from environments.enrolment.models import EnrolmentToken, WorkerCredential
from environments.enrolment.types import (
    DEFAULT_LIFETIME,
    LONGEST_LIFETIME,
    MOST_AGENTS,
    MOST_USES,
    SHORTEST_LIFETIME,
    Enrolled,
    EnrolledMachine,
    Presence,
)
from environments.models import Environment, Worker
from environments.services import record_worker
from environments.workers import WorkerDescription

PREFIX = "peon-"
"""So that a token is known for one wherever it turns up."""
_HINT = len(PREFIX) + 6
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]+")

worker_revoked: list[Callable[[str], None]] = []
"""Called after the commit with the identity of a worker that was revoked: higher apps end what it runs."""


@transaction.atomic
def issue_token(
    *,
    environment: Environment,
    actor: User | None = None,
    uses: int = 1,
    lifetime: timedelta = DEFAULT_LIFETIME,
    machine_id: str = "",
) -> str:
    """A new token for the environment's queue, as text that cannot be shown again.

    Without `actor` the platform itself makes it, for a machine that it starts. Raises `EnvironmentNotChangeable` or
    `TokenWishRefused`.
    """
    if actor is not None:
        require_management(actor, environment)
    if not 1 <= uses <= MOST_USES:
        raise TokenWishRefused(f"A token lets in between 1 and {MOST_USES} machines.", field="uses")
    if not SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
        raise TokenWishRefused(
            f"A token is good for a minute at least and for {LONGEST_LIFETIME.days} days at most.",
            field="lifetime_hours",
        )
    text = PREFIX + new_token()
    token = EnrolmentToken.objects.create(
        environment=environment,
        digest=digest_of(text),
        hint=text[:_HINT],
        creator=actor,
        machine_id=machine_id,
        uses=uses,
        expires_at=clock.now() + lifetime,
    )
    after = {"uses": uses, "expires_at": token.expires_at.isoformat(), "machine": machine_id}
    record("enrolment_token.issued", actor=actor, target=token, after=after)
    return text


@transaction.atomic
def revoke_token(*, token: EnrolmentToken, actor: User) -> None:
    """It lets nobody in any more; workers that came by it stay."""
    require_management(actor, token.environment)
    if lifecycle.revoke_token(token, clock.now()):
        record("enrolment_token.revoked", actor=actor, target=token)


@transaction.atomic
def enrol(*, token: str, host: str, agents: int = 1, queues: Sequence[str] = ()) -> EnrolledMachine:
    """Identities for the agents of one machine. Raises an `EnrolmentRefused` that says what is wrong with the token.

    `queues` are those that the agent was set up for, if it was.
    """
    if not 1 <= agents <= MOST_AGENTS:
        raise TokenWishRefused(f"A machine has between 1 and {MOST_AGENTS} agents.", field="agents")
    found = _good_token(token)
    queue = found.environment.queue_name
    if queues and list(queues) != [queue]:
        raise TokenForeign(queue, list(queues))
    if not lifecycle.spend(found, clock.now()):
        found.refresh_from_db()
        _check(found)
        raise TokenUsed(found.uses)
    return EnrolledMachine(queue, [_new_worker(found, host) for _ in range(agents)])


def _good_token(text: str) -> EnrolmentToken:
    rows = EnrolmentToken.objects.select_related("environment__owner")
    found = rows.filter(digest=digest_of(text)).first()
    if found is None:
        raise TokenUnknown
    _check(found)
    return found


def _check(token: EnrolmentToken) -> None:
    if token.revoked_at is not None:
        raise TokenRevoked
    if token.expires_at <= clock.now():
        raise TokenExpired(f"{token.expires_at:%Y-%m-%d %H:%M} UTC")
    if token.used >= token.uses:
        raise TokenUsed(token.uses)


def _new_worker(token: EnrolmentToken, host: str) -> Enrolled:
    enrolled = Enrolled(f"{_host_part(host)}-{new_token()[:8]}", new_token())
    worker = Worker.objects.create(
        identity=enrolled.identity,
        host=host[:255],
        queues=[token.environment.queue_name],
        last_seen_at=clock.now(),
    )
    credential = WorkerCredential.objects.create(
        worker=worker,
        environment=token.environment,
        token=token,
        digest=digest_of(enrolled.secret),
        redis_digest=redis_users.digest_of_password(enrolled.secret),
        machine_id=token.machine_id,
    )
    after = {"host": host[:255], "token": token.hint, "machine": token.machine_id}
    record("worker.enrolled", actor=None, target=credential, after=after)
    transaction.on_commit(partial(redis_users.allow_quietly, [credential]))
    return enrolled


def _host_part(host: str) -> str:
    """Of an identity: what people recognise, and nothing that would have to be quoted anywhere."""
    return _NOT_IN_NAMES.sub("-", host.lower()).strip("-.")[:64] or "worker"


def hear_worker(*, credential: WorkerCredential, presence: Presence, worker: WorkerDescription) -> None:
    """The agent lives. Raises `WorkerCloned` while another one speaks for the same identity."""
    now = clock.now()
    if not lifecycle.take_identity(credential, presence, now):
        row = WorkerCredential.objects.select_related("worker").get(pk=credential.pk)
        if row.revoked_at is not None:
            raise CredentialRevoked(row.worker.identity)
        lifecycle.note_clone(credential, presence.host, now)
        raise WorkerCloned(row.worker.identity, row.worker.host)
    record_worker(**asdict(worker))


def let_go(*, credential: WorkerCredential, instance: str) -> None:
    """The agent has ended and says so."""
    lifecycle.leave(credential, instance, clock.now())


@transaction.atomic
def revoke_worker(*, credential: WorkerCredential, actor: User) -> None:
    """It claims nothing any more; what it runs ends as crashed."""
    require_management(actor, credential.environment)
    if lifecycle.revoke_worker(credential, clock.now()):
        record("worker.revoked", actor=actor, target=credential)
        transaction.on_commit(partial(redis_users.forbid, [credential.worker.identity]))
        for told in worker_revoked:
            transaction.on_commit(partial(told, credential.worker.identity))
