"""A worker without a job: writes numbered lines into the event stream of an execution, as an agent does."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from peon.protocol import events, keys, scripts

LEASE_MS = 3_600_000
TEXT = "epoch 1 step 123456 loss 0.123456 lr 0.0001 " + "x" * 50


def set_up_django() -> None:
    """Let Django in this process work on the installation that the environment names."""
    import django

    django.setup()


def started_execution() -> Any:
    """A row that a worker seems to hold; nobody runs it."""
    from accounts.models import User
    from executions.types import Status
    from tests.support import factories

    administrator = User.objects.filter(is_superuser=True).earliest("created_at")
    project = factories.make_project(administrator, f"stream-{time.time_ns()}")
    return factories.make_execution(project, status=Status.STARTED)


@dataclass
class Writer:
    """Sends batches of lines; waits when the stream is full, as an agent does."""

    client: "redis.Redis"
    execution_id: str
    next_line: int = 0
    time: int = 0

    def open(self) -> None:
        member = keys.job_member(self.execution_id, 1)
        self.client.zadd(keys.LEASES, {member: time.time() * 1000 + LEASE_MS})
        self.client.eval(scripts.OPEN_EVENTS, 1, keys.events_head(self.execution_id), 1, 0, 0)
        self._append = self.client.register_script(scripts.APPEND)

    def write(self, count: int) -> None:
        """`count` lines in one batch, numbered, and stamped with the present."""
        self.time = max(self.time, time.time_ns() // 1000)
        text = "\n".join(f"{n} {TEXT}" for n in range(self.next_line, self.next_line + count))
        self._send(count, events.encode_body([{"k": "o", "t": self.time, "p": text}]), count)
        self.time += count

    def finish(self) -> None:
        body = [
            {"k": "finish", "t": time.time_ns() // 1000, "status": "complete", "exit_code": 0, "reason": ""}
        ]
        self._send(1, events.encode_body(body), 0)

    def _send(self, count: int, body: bytes, lines: int) -> None:
        name = self.execution_id
        redis_keys = [keys.events(name), keys.events_head(name), keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET]
        # Lines and events have the same numbers here: nothing but lines comes before the end.
        arguments = [1, self.next_line, count, self.next_line, lines, body, events.MAX_STREAM_ENTRIES, name]
        for _ in patience():
            answer = self._append(redis_keys, [*arguments, keys.notice_channel(f"execution:{name}")])
            if answer[0] == b"ok":
                self.next_line += lines
                return
            if answer[0] != b"full":
                raise RuntimeError(f"the stream answered {answer}")


def patience() -> Iterator[None]:
    while True:
        yield
        time.sleep(0.002)
