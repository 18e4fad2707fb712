"""Reads what workers send. An agent is trusted with its job, not with our database: everything is checked."""

from typing import Any

from common.errors import DomainError
from executions.agent_api.attempts import Upload, WorkerDescription
from executions.spec.texts import unstorable

MOST_UPLOADS = 1000


class BodyRefused(DomainError):
    code = "invalid"


def worker_from(body: dict[str, Any]) -> WorkerDescription:
    worker = body.get("worker")
    if not isinstance(worker, dict) or not worker.get("identity"):
        raise BodyRefused("Say who claims: worker.identity is missing.", field="worker")
    why = unstorable(worker)
    if why:
        raise BodyRefused(f"The worker's description {why}.", field="worker")
    queues, facts = worker.get("queues"), worker.get("facts")
    return WorkerDescription(
        identity=str(worker["identity"])[:128],
        host=str(worker.get("host", ""))[:255],
        agent_version=str(worker.get("agent_version", ""))[:32],
        runtime=str(worker.get("runtime", ""))[:16],
        queues=[str(name) for name in queues] if isinstance(queues, list) else [],
        facts=facts if isinstance(facts, dict) else {},
    )


def uploads_from(body: dict[str, Any]) -> list[Upload]:
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BodyRefused("Send the files as a list of objects.", field="files")
    if len(files) > MOST_UPLOADS:
        raise BodyRefused(f"Ask for at most {MOST_UPLOADS} uploads at a time.", field="files")
    return [_upload(file) for file in files]


def _upload(file: dict[str, Any]) -> Upload:
    name, size = file.get("name"), file.get("size")
    if not isinstance(name, str) or not name or unstorable(name):
        raise BodyRefused("Every file needs a name.", field="files")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BodyRefused(f"The size of '{name}' must be a number of bytes.", field="files")
    return Upload(name, size)
