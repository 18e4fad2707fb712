"""What an agent says of itself, without an agent."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client


@dataclass
class Agent:
    identity: str
    secret: str
    redis_url: str = ""
    host: str = "box"
    instance: str = "first"
    boot_id: str = "boot"
    turn: int = field(default=0)

    def hello(self, **more: Any) -> Any:
        self.turn += 1
        body = {
            "worker": {
                "identity": self.identity, "host": self.host, "agent_version": "1", "runtime": "docker",
                "queues": ["acme-gpu"], "facts": {"cpus": 8},
            },
            "presence": {"instance": self.instance, "boot_id": self.boot_id, "turn": self.turn},
            **more,
        }  # fmt: skip
        return self._send("post", "hello", body)

    def bye(self) -> Any:
        return self._send("post", "bye", {"instance": self.instance})

    def probe(self) -> Any:
        return self._send("get", "probe")

    def _send(self, method: str, name: str, body: Any = None) -> Any:
        extra = {} if body is None else {"data": body, "content_type": "application/json"}
        headers = {"Authorization": f"Worker {self.identity}.{self.secret}"}
        return getattr(Client(), method)(f"/api/agent/v1/worker/{name}", headers=headers, **extra)
