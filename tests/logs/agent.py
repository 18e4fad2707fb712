"""A worker as the server sees one: appends numbered batches with the protocol's own scripts, and keeps a spool."""

from dataclasses import dataclass, field
from typing import Any

from common.redis import client
from executions.models import Execution
from peon.protocol import events, keys, scripts

START = 1_800_000_000_000_000


def lines(*texts: str, kind: str = events.STDOUT, at: int = START) -> dict[str, Any]:
    return {"k": kind, "t": at, "p": "\n".join(texts)}


@dataclass
class Agent:
    """`spool` holds every segment ever said, so that any part can be sent again."""

    execution: Execution
    epoch: int = 1
    next_seq: int = 0
    next_line: int = 0
    clock: int = START
    spool: list[tuple[int, int, list[dict[str, Any]]]] = field(default_factory=list)
    max_entries: int = events.MAX_STREAM_ENTRIES

    def open(self, next_seq: int = 0, next_line: int = 0) -> int:
        head = keys.events_head(str(self.execution.pk))
        return int(client().eval(scripts.OPEN_EVENTS, 1, head, self.epoch, next_seq, next_line))

    def say(self, *texts: str, kind: str = events.STDOUT) -> list[Any]:
        segment = lines(*texts, kind=kind, at=self.clock)
        self.clock += len(texts)
        return self.send([segment])

    def report(self, kind: str, **facts: Any) -> list[Any]:
        return self.send([{"k": kind, "t": self.clock, **facts}])

    def finish(self, status: str = "complete", exit_code: int | None = 0, reason: str = "") -> list[Any]:
        return self.report(events.FINISH, status=status, exit_code=exit_code, reason=reason)

    def send(self, segments: list[dict[str, Any]]) -> list[Any]:
        """Append what is new, and remember it."""
        self.spool.append((self.next_seq, self.next_line, segments))
        answer = self.append(self.next_seq, self.next_line, segments)
        self.next_seq += sum(map(events.event_count, segments))
        self.next_line += sum(map(events.line_count, segments))
        return answer

    def append(self, seq: int, line: int, segments: list[dict[str, Any]]) -> list[Any]:
        return self.append_raw(
            seq,
            sum(map(events.event_count, segments)),
            line,
            sum(map(events.line_count, segments)),
            events.encode_body(segments),
        )

    def append_raw(self, seq: int, count: int, line: int, line_count: int, body: bytes) -> list[Any]:
        name = str(self.execution.pk)
        redis_keys = [keys.events(name), keys.events_head(name), keys.INGEST_DIRTY, keys.INGEST_DIRTY_SET]
        notice = keys.notice_channel(f"execution:{name}")
        arguments = [self.epoch, seq, count, line, line_count, body, self.max_entries, name, notice]
        return list(client().eval(scripts.APPEND, len(redis_keys), *redis_keys, *arguments))

    def resend(self, cursor_seq: int, cursor_line: int) -> None:
        """After Redis lost the stream: open it at the server's cursor and send everything from there."""
        self.open(cursor_seq, cursor_line)
        for seq, line, segments in self.spool:
            count = sum(map(events.event_count, segments))
            if seq + count <= cursor_seq:
                continue
            assert seq >= cursor_seq, "a test sends whole batches again"
            assert self.append(seq, line, segments)[0] == b"ok"
