"""How an agent describes itself. It is trusted with its job, not with our database: everything is checked."""

from dataclasses import dataclass
from typing import Any

from common.rest.plain import BodyRefused
from common.storable import unstorable


@dataclass(frozen=True)
class WorkerDescription:
    identity: str
    host: str
    agent_version: str
    runtime: str
    queues: list[str]
    facts: dict[str, Any]


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
