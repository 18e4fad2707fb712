"""What a worker may do to the attempt it holds."""

import logging
from dataclasses import asdict
from typing import Any
from uuid import UUID

import redis

from common.errors import DomainError
from datastores.errors import DatumNotFound
from datastores.models import DataStore, Datum
from datastores.selectors import default_store, find_upload_store
from datastores.uploads import NewFile, Reservation, reserve_uploads
from environments.enrolment.authentication import admit_claim
from environments.services import record_worker
from environments.workers import WorkerDescription
from executions import lifecycle, queue
from executions.agent_api.details import job_details
from executions.agent_api.inputs import PAGES_INPUTS, TAKES_PACKAGES
from executions.agent_api.secrets import MASKS_SECRETS
from executions.errors import AttemptRefused, InputUnavailable
from executions.logs.application import NOTICES, bounded_facts
from executions.models import Execution
from executions.selectors import with_related
from executions.types import RUNNING, Status
from executions.variables import written_down
from projects.selectors import as_uuid

logger = logging.getLogger(__name__)

IN_SLURM = "slurm_"
"""How names of facts begin that an agent in a Slurm job tells of it."""
UNMASKED = (
    "The worker agent {version} does not mask secrets: what the job prints of them can be read in the log. "
    "Update the agent on {host}."
)


def current_attempt(execution_id: UUID, epoch: int) -> Execution:
    """Raises `AttemptRefused` when another epoch has taken over, or the execution is gone."""
    execution = with_related(Execution.objects.filter(pk=execution_id, epoch=epoch)).first()
    if execution is None:
        raise AttemptRefused
    return execution


def running_attempt(execution_id: UUID, epoch: int) -> Execution:
    """Raises `AttemptRefused` unless a worker is at it."""
    execution = current_attempt(execution_id, epoch)
    if execution.status not in RUNNING:
        raise AttemptRefused
    return execution


def claim(
    *, execution_id: UUID, epoch: int, worker: WorkerDescription, base_url: str, credential: str = ""
) -> dict[str, Any]:
    """queued -> started for exactly one worker; asked again by the same worker, the answer is the same.

    Raises `AttemptRefused` for everybody else, and when the job cannot be put together: then it ends as error. While
    something that it needs does not answer it stays queued: `InputUnavailable`. Raises a `WorkerRefused` for a worker that
    the environment does not take; the job goes on waiting for another.
    """
    execution = current_attempt(execution_id, epoch)
    admit_claim(environment=execution.environment, identity=worker.identity, credential=credential)
    if execution.status != Status.QUEUED and not _held_by(execution, worker):
        raise AttemptRefused
    details = _details_or_refuse(execution, worker, base_url)
    execution.runtime_facts |= _place(worker)
    started = lifecycle.mark_started(
        execution_id=execution_id,
        epoch=epoch,
        worker_identity=worker.identity,
        variables_beside=written_down(execution, details["environment_variables"]),
        runtime_facts=execution.runtime_facts,
    )
    if not started:
        execution.refresh_from_db(fields=["status", "worker_identity", "epoch", "next_seq", "log_line_count"])
        if execution.epoch != epoch or not _held_by(execution, worker):
            raise AttemptRefused
    elif details["secret_names"] and not worker.facts.get(MASKS_SECRETS):
        _note_unmasked(execution, worker)
    record_worker(**asdict(worker))
    _open_events(execution)
    return details


def _place(worker: WorkerDescription) -> dict[str, Any]:
    """Where in a cluster it is: shown from the start, so that somebody can look there while it runs."""
    return bounded_facts({name: fact for name, fact in worker.facts.items() if name.startswith(IN_SLURM)})


def _held_by(execution: Execution, worker: WorkerDescription) -> bool:
    return execution.status in RUNNING and execution.worker_identity == worker.identity


def _details_or_refuse(execution: Execution, worker: WorkerDescription, base_url: str) -> dict[str, Any]:
    try:
        return job_details(
            execution,
            base_url,
            in_pages=bool(worker.facts.get(PAGES_INPUTS)),
            in_packages=bool(worker.facts.get(TAKES_PACKAGES)),
        )
    except DomainError as error:
        if error.is_transient and not queue.has_failed_for_long(execution.pk):
            waiting = Execution.objects.filter(pk=execution.pk, epoch=execution.epoch, status=Status.QUEUED)
            waiting.update(waiting_reason=f"{error.message} It is tried again.")
            raise InputUnavailable(error.message) from error
        lifecycle.mark_refused(execution_id=execution.pk, epoch=execution.epoch, reason=error.message)
        raise AttemptRefused from error


def _note_unmasked(execution: Execution, worker: WorkerDescription) -> None:
    """An agent of an earlier version runs the job; whoever reads the log is to know."""
    text = UNMASKED.format(version=worker.agent_version, host=worker.host)
    facts = {**execution.runtime_facts, NOTICES: [*execution.runtime_facts.get(NOTICES, []), text]}
    Execution.objects.filter(pk=execution.pk, epoch=execution.epoch).update(runtime_facts=facts)


def _open_events(execution: Execution) -> None:
    try:
        queue.open_events(execution)
    except redis.RedisError:
        # The agent's first append is told "unknown", and it asks for the cursor.
        logger.warning("event stream not opened: Redis is away", extra={"execution": str(execution.pk)})


def reserve(
    execution: Execution, files: list[NewFile], base_url: str, *, sender_knows_parts: bool
) -> list[Reservation]:
    return reserve_uploads(
        project=execution.project,
        store=upload_store_of(execution),
        files=files,
        base_url=base_url,
        execution=(execution.pk, execution.counter),
        sender_knows_parts=sender_knows_parts,
    )


def reservation_of(execution: Execution, datum_id: str) -> Datum:
    """A place that this execution reserved, finished or not. Raises `DatumNotFound`."""
    identity = as_uuid(datum_id)
    reserved = Datum.objects.filter(pk=identity, output_execution_id=execution.pk) if identity else None
    datum = reserved.select_related("store").first() if reserved is not None else None
    if datum is None:
        raise DatumNotFound(datum_id)
    return datum


def upload_store_of(execution: Execution) -> DataStore:
    """The one that the step asked for, while the project may still write to it; else the project's."""
    if execution.upload_store_id:
        chosen = find_upload_store(execution.project, str(execution.upload_store_id))
        if chosen:
            return chosen
    return default_store(execution.project)
