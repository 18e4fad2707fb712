"""WebSocket connections: who may listen, and a pump per connection that sends what is new.

A guard beside the pump asks again whether the viewer may listen: at once when their rights may have changed (a notice of
`access:<user id>`), and every minute, since a notice can get lost and a token expires without one. What a viewer may subscribe
to is named by the address alone; the topics behind it cannot be asked for.

A pump sends one message at a time and waits until the connection takes it. A browser that stops reading therefore holds its own
pump and nothing else: what it misses is not kept for it, it is read again when it comes back to reading.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.live_sessions import user_of_session
from accounts.models import User
from accounts.services import authenticate_token
from common.errors import DomainError
from common.notice_hub import Notice, hub
from common.threads import QUICK, in_thread
from executions.live.watches import ExecutionWatch, ProjectWatch, Watch, heard
from executions.logs.tail import LogTail
from executions.selectors import executions_for
from projects.selectors import projects_for

logger = logging.getLogger(__name__)

ANONYMOUS, FOREIGN_ORIGIN, INVISIBLE = 4401, 4403, 4404
FAILED = 1011
RECHECK_SECONDS = 60.0
"""Access that was taken away without a notice ends a connection within this time."""
LOST_PAUSE_SECONDS = 1.0
LOST_ATTEMPTS = 3


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Base: access, the pump, the newest message of each kind."""

    watch_class: type[Watch]
    watch: Watch | None = None
    _user_id: int | None = None
    _tasks: "tuple[asyncio.Task[None], ...]" = ()

    async def connect(self) -> None:
        # Accepted first: a browser learns the code of a refusal only from an open connection.
        await self.accept()
        refusal = await self._refusal()
        if refusal:
            await self.close(refusal)
            return
        self._wake, self._doubt = asyncio.Event(), asyncio.Event()
        self._sent_version = 0
        self.watch = await self.watch_class.join(self.subject_id, self)
        self._tasks = tuple(asyncio.create_task(self._until_it_ends(w)) for w in (self._pump, self._guard))
        # Once it listens it is told to ask again: what changed since the check above is not missed.
        await hub().subscribe(self._access_topic, self._hear_of_access)

    async def disconnect(self, code: int) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.stop_following()
        if self.watch is not None:
            await hub().unsubscribe(self._access_topic, self._hear_of_access)
            await self.watch.leave(self)

    def wake(self) -> None:
        self._wake.set()

    @property
    def subject_id(self) -> UUID:
        subject: UUID = self.scope["url_route"]["kwargs"]["subject_id"]
        return subject

    def is_visible(self, user: User) -> bool:
        """Whether the user may see the subject. Runs on a thread."""
        raise NotImplementedError

    async def send_more(self) -> bool:
        """Send one more piece of whatever else the viewer asked for; False when there is none now."""
        return False

    async def stop_following(self) -> None:
        """Release what was asked for."""

    async def _until_it_ends(self, work: Callable[[], Awaitable[None]]) -> None:
        """What fails closes its connection: the browser comes back, and is not left waiting in silence."""
        try:
            await work()
        except OSError:
            return  # the other side is gone
        except Exception:
            logger.exception("live connection failed", extra={"subject": str(self.subject_id)})
            await self.close(FAILED)

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            sent = await self._send_news()
            if not (await self.send_more() or sent):
                await self._wake.wait()

    async def _guard(self) -> None:
        refusal = None
        while refusal is None:
            await heard(self._doubt, RECHECK_SECONDS)
            self._doubt.clear()
            refusal = await self._refusal()
        # A viewer that has stopped reading holds the pump, and must not hold this.
        self._tasks[0].cancel()
        await self.close(refusal)

    @property
    def _access_topic(self) -> str:
        return f"access:{self._user_id}"

    def _hear_of_access(self, notice: Notice) -> None:
        self._doubt.set()

    async def _send_news(self) -> bool:
        """Send every message that is newer than what this viewer has."""
        messages = self.watch.messages.values() if self.watch else ()
        news = sorted(item for item in messages if item[0] > self._sent_version)
        for version, text in news:
            await self.send(text_data=text)
            self._sent_version = version
        return bool(news)

    async def _refusal(self) -> int | None:
        """The code to close with, or None for somebody who may listen."""
        if not self._origin_is_own():
            return FOREIGN_ORIGIN
        return await in_thread(QUICK, self._refusal_of_the_viewer)

    def _refusal_of_the_viewer(self) -> int | None:
        user = self._user()
        if user is None:
            return ANONYMOUS
        self._user_id = user.pk
        return None if self.is_visible(user) else INVISIBLE

    def _user(self) -> User | None:
        """By token when one is given, else by the browser's session; as the database knows them now."""
        scheme, _, secret = self._header(b"authorization").partition(" ")
        if scheme.lower() == "token":
            try:
                return authenticate_token(secret.strip())
            except DomainError:
                return None
        return user_of_session(self.scope["session"].session_key)

    def _origin_is_own(self) -> bool:
        """Browsers always say where a page is from, and send the session's cookie for any page: only our own may listen."""
        origin = self._header(b"origin")
        if not origin or origin in settings.CSRF_TRUSTED_ORIGINS:
            return True
        return urlsplit(origin).netloc.lower() == self._header(b"host").lower()

    def _header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), "")


class ExecutionConsumer(LiveConsumer):
    """State, metadata, statistics and outputs of one execution; on request its log from any line on."""

    watch_class = ExecutionWatch
    _tail: LogTail | None = None
    _line = 0
    _lost = 0

    def is_visible(self, user: User) -> bool:
        return executions_for(user).filter(pk=self.subject_id).exists()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """`{"subscribe": "log", "from_line": N}` or `{"unsubscribe": "log"}`; anything else is not understood."""
        try:
            request: Any = json.loads(text_data or "")
        except ValueError:
            request = None
        if not isinstance(request, dict) or not isinstance(self.watch, ExecutionWatch):
            return
        if request.get("unsubscribe") == "log":
            await self.stop_following()
        elif request.get("subscribe") == "log":
            line = request.get("from_line", 0)
            self._line = max(0, line) if type(line) is int else 0
            self._lost = 0
            if self._tail is None:
                self._tail = self.watch.follow_log()
            self.wake()

    async def stop_following(self) -> None:
        if self._tail is not None and isinstance(self.watch, ExecutionWatch):
            self._tail = None
            await self.watch.unfollow_log()

    async def send_more(self) -> bool:
        tail = self._tail
        if tail is None or not tail.is_ready or self._line >= tail.ring.end:
            return False
        line = self._line
        found = await tail.frame_at(line)
        if self._tail is not tail or self._line != line:
            return True  # asked for something else meanwhile
        if found is None:
            return await self._miss(tail)
        text, self._line = found
        self._lost = 0
        await self.send(text_data=text)
        return True

    async def _miss(self, tail: LogTail) -> bool:
        """Lines that are counted but cannot be read, for instance while storage is away: wait, then go on behind them."""
        self._lost += 1
        if self._lost >= LOST_ATTEMPTS and self._line < tail.ring.start:
            logger.error(
                "lines cannot be read", extra={"execution": str(self.subject_id), "line": self._line}
            )
            self._line, self._lost = tail.ring.start, 0
        await asyncio.sleep(LOST_PAUSE_SECONDS)
        return True


class ProjectConsumer(LiveConsumer):
    """Changes of the executions of one project."""

    watch_class = ProjectWatch

    def is_visible(self, user: User) -> bool:
        return projects_for(user).filter(pk=self.subject_id).exists()
