"""What is shared by all viewers of one execution, or of one project, in this process.

A watch hears notices, reads the database at most about ten times a second, encodes each message once, and wakes its viewers.
A viewer takes the newest message of each subject when it gets to it: the last value wins, nothing piles up.
"""

import asyncio
import json
import logging
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from common.notice_hub import Notice, hub
from common.threads import QUICK, in_thread
from executions.live.messages import Messages, essence, execution_messages, lively_ids, row_messages
from executions.logs.tail import LogTail
from executions.types import FINAL

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
LINE_GATHER_SECONDS = 1.0
"""For news that is only about lines: their count, for those who do not follow the log."""
SAFETY_SECONDS = 5.0
SAFETY_SECONDS_AFTER_THE_END = 30.0
AWAY_PAUSE_SECONDS = 1.0
STATE = "state"


class Viewer(Protocol):
    def wake(self) -> None:
        """There is something new to look at. Called on the event loop; must return at once."""


async def heard(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Watch:
    """Base: one per subject and event loop, kept while it has viewers."""

    topic_name: ClassVar[str]
    _open: ClassVar["WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, UUID], Any]]"] = (
        WeakKeyDictionary()
    )

    def __init__(self, subject_id: UUID) -> None:
        self.subject_id = subject_id
        self.messages: dict[str, tuple[int, str]] = {}
        """Newest message per key (a type, or an execution's id), with a version that grows with every change."""
        self._version = 0
        self._known: Messages = {}
        self._viewers: list[Viewer] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def join(cls, subject_id: UUID, viewer: Viewer) -> Self:
        watches = cls._open.setdefault(asyncio.get_running_loop(), {})
        watch: Self = watches.setdefault((cls.topic_name, subject_id), cls(subject_id))
        watch._viewers.append(viewer)
        if watch._task is None:
            watch._task = asyncio.create_task(watch._run(), name=watch._topic)
            await hub().subscribe(watch._topic, watch._hear)
        return watch

    async def leave(self, viewer: Viewer) -> None:
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if self._viewers or self._task is None:
            return
        task, self._task = self._task, None
        self._open[asyncio.get_running_loop()].pop((self.topic_name, self.subject_id), None)
        task.cancel()
        await hub().unsubscribe(self._topic, self._hear)
        await asyncio.gather(task, return_exceptions=True)

    @property
    def _topic(self) -> str:
        return f"{self.topic_name}:{self.subject_id}"

    def _take(self, messages: Messages) -> None:
        """Encode what is news, and wake the viewers when anything is."""
        before = self._version
        for key, message in messages.items():
            core = essence(message)
            if self._known.get(key) != core:
                self._known[key] = core
                self._version += 1
                self.messages[key] = (self._version, json.dumps(message, separators=(",", ":")))
        if self._version != before:
            self._wake_viewers()

    def _wake_viewers(self) -> None:
        for viewer in list(self._viewers):
            viewer.wake()

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except (DatabaseError, InterfaceError):
                logger.warning("live view waits: the database is away", extra={"topic": self._topic})
            except (
                Exception
            ):  # a fault with one subject's rows must not leave its viewers in silence for ever
                logger.exception("live view failed; it tries again", extra={"topic": self._topic})
            await asyncio.sleep(AWAY_PAUSE_SECONDS)

    def _hear(self, notice: Notice) -> None:
        raise NotImplementedError

    async def _serve(self) -> None:
        raise NotImplementedError


class ExecutionWatch(Watch):
    topic_name = "execution"

    def __init__(self, subject_id: UUID) -> None:
        super().__init__(subject_id)
        self.tail: LogTail | None = None
        self._tail_task: asyncio.Task[None] | None = None
        self._followers = 0
        self._urgent = asyncio.Event()
        self._is_over = False

    def follow_log(self) -> LogTail:
        """Read the stream for one more viewer."""
        self._followers += 1
        if self.tail is None:
            self.tail = LogTail(self.subject_id, self._wake_viewers)
            self.tail.is_over = self._is_over
            self._tail_task = asyncio.create_task(self.tail.run(), name=f"tail:{self.subject_id}")
        return self.tail

    async def unfollow_log(self) -> None:
        self._followers -= 1
        if self._followers == 0 and self._tail_task is not None:
            task, self._tail_task, self.tail = self._tail_task, None, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _hear(self, notice: Notice) -> None:
        kind = str(notice["kind"])
        if self.tail is not None:
            self.tail.hear(kind)
        if kind != "log":
            self._urgent.set()
        self._news.set()

    async def _serve(self) -> None:
        while True:
            self._news.clear()
            self._urgent.clear()
            self._take(await in_thread(QUICK, execution_messages, self.subject_id))
            self._note_end()
            await asyncio.sleep(GATHER_SECONDS)
            safety = SAFETY_SECONDS_AFTER_THE_END if self._is_over else SAFETY_SECONDS
            if await heard(self._news, safety) and not self._urgent.is_set():
                await heard(self._urgent, LINE_GATHER_SECONDS)

    def _note_end(self) -> None:
        self._is_over = self._known.get(STATE, {}).get("status") in FINAL
        if self.tail is not None:
            self.tail.is_over = self._is_over


class ProjectWatch(Watch):
    """Its messages are rows of executions, by id: those that live, those that have just ended, those that changed."""

    topic_name = "project"

    def __init__(self, subject_id: UUID) -> None:
        super().__init__(subject_id)
        self._changed: set[UUID] = set()
        self._lively: set[UUID] = set()

    def _hear(self, notice: Notice) -> None:
        try:
            self._changed.add(UUID(str(notice.get("id"))))
        except ValueError:
            if notice["kind"] != "again":
                return  # about something else than an execution
        self._news.set()

    async def _serve(self) -> None:
        while True:
            self._news.clear()
            changed, self._changed = self._changed, set()
            before, self._lively = self._lively, await in_thread(QUICK, lively_ids, self.subject_id)
            wanted = changed | before | self._lively
            self._take(await in_thread(QUICK, row_messages, self.subject_id, wanted))
            self._drop_all_but(wanted)
            await asyncio.sleep(GATHER_SECONDS)
            await heard(self._news, SAFETY_SECONDS)

    def _drop_all_but(self, wanted: set[UUID]) -> None:
        names = {str(execution_id) for execution_id in wanted}
        for name in [name for name in self.messages if name not in names]:
            del self.messages[name], self._known[name]
