"""A provider whose answers a test decides on, and agents that only say hello: for faults that no real one shows on demand."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from common.redis import client
from environments.autoscaling.providers.base import (
    ErrorKind,
    LaunchOrder,
    Place,
    ProviderError,
    ProviderMachine,
)
from environments.autoscaling.types import agent_identity
from peon.protocol import keys, scripts


@dataclass
class ScriptedProvider:
    name: str = "scripted"
    label: str = "Scripted"
    template_help: str = ""
    list_seconds: float = 0.0
    absence_seconds: float = 0.0
    machines: dict[UUID, ProviderMachine] = field(default_factory=dict)
    orders: list[LaunchOrder] = field(default_factory=list)
    refuses: str = ""
    refuses_as: ErrorKind = ErrorKind.OTHER
    is_answering: threading.Event = field(default_factory=threading.Event)
    lists_fail: bool = False
    forgets_answer: bool = False
    """It starts the machine, and its answer is lost."""

    def __post_init__(self) -> None:
        self.is_answering.set()

    def problems(self, template: Mapping[str, Any]) -> list[str]:
        return ["There is no setting 'wrong'."] if "wrong" in template else []

    def launch(self, order: LaunchOrder) -> ProviderMachine:
        self.is_answering.wait(30)
        self.orders.append(order)
        if self.refuses:
            raise ProviderError(self.refuses, self.refuses_as)
        machine = ProviderMachine(f"i-{order.machine_id.hex[-6:]}", order.machine_id)
        made = self.machines.setdefault(order.machine_id, machine)
        if self.forgets_answer:
            raise ConnectionResetError("the answer was lost")
        return made

    def terminate(self, place: Place, machine_id: UUID | None, provider_id: str) -> None:
        self.is_answering.wait(30)
        found = [pk for pk, m in self.machines.items() if machine_id == pk or m.provider_id == provider_id]
        for pk in found:
            del self.machines[pk]

    def list(self, place: Place) -> list[ProviderMachine]:
        self.is_answering.wait(30)
        if self.lists_fail:
            raise ProviderError("The credentials are not valid any more.")
        return list(self.machines.values())

    def change(self, machine_id: UUID, **fields: Any) -> None:
        self.machines[machine_id] = replace(self.machines[machine_id], **fields)


class Agents:
    """What agents of machines write into Redis."""

    def __init__(self, queue: str) -> None:
        self.queue = queue

    def hello(self, machine_id: UUID, **said: Any) -> None:
        described = {
            "identity": agent_identity(machine_id), "queues": [self.queue], "agent_version": "1.0", "state": "idle",
            "facts": {"machine_id": str(machine_id), "obeys_wishes": True}, **said,
        }  # fmt: skip
        say = client().register_script(scripts.SAY)
        say(
            [keys.queue_workers(self.queue), keys.queue_wishes(self.queue)],
            [described["identity"], json.dumps(described), str(machine_id)],
        )

    def claim(self, machine_id: UUID) -> Any:
        names = [
            keys.queue_leases(self.queue), keys.queue_holders(self.queue), keys.queue_wishes(self.queue), keys.queue(self.queue), keys.queue_tokens(self.queue),
        ]  # fmt: skip
        return client().register_script(scripts.CLAIM)(
            names, [agent_identity(machine_id), 15000, str(machine_id)]
        )

    def release(self, member: bytes) -> None:
        client().register_script(scripts.RELEASE)(
            [keys.queue_leases(self.queue), keys.queue_holders(self.queue)], [member]
        )


def enqueue(queue: str, *members: str) -> None:
    names = [keys.queue(queue), keys.queue_tokens(queue), keys.queue_wake(queue), keys.queue_bell(queue)]
    for member in members:
        client().register_script(scripts.ENQUEUE)(names, [member, "token", 0, 0])
