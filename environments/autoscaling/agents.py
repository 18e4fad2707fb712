"""What agents say of themselves in Redis, what is wished of them, and how many jobs wait: one look for everything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from common.redis import client
from environments.autoscaling.types import machine_of_identity
from peon.protocol import keys

FORGOTTEN_SECONDS = 24 * 3600
"""A worker that was silent for so long is not listed any more."""
_MILLISECONDS_SINCE = 10**11
_LARGEST = 10**14
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Agent:
    """Of what an agent said; versions differ in how much that is."""

    identity: str
    seen_at: float
    """Unix seconds; of earlier versions by their own clock."""
    machine_id: UUID | None = None
    host: str = ""
    queues: tuple[str, ...] = ()
    version: str = ""
    runtime: str = ""
    state: str = ""
    job: str = ""
    """The id of the execution that it runs."""
    idle_seconds: float | None = None
    obeys_wishes: bool = False
    interrupted_at: datetime | None = None
    """When the cloud takes its machine back, as the machine was told."""
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What Redis showed at one moment."""

    now: float
    uptime_seconds: int
    agents: Sequence[Agent]
    busy: frozenset[str]
    """Identities of those that hold a job's lease, also an expired one that nobody has cleared yet."""
    wishes: Mapping[str, str]
    waiting: Mapping[str, int]
    """Queue -> jobs in it."""
    unreadable: Sequence[str] = ()

    @cached_property
    def busy_machines(self) -> frozenset[UUID]:
        """Those whose agents say which machine they are on."""
        named = (agent.machine_id for agent in self.agents if agent.identity in self.busy)
        silent = (machine_of_identity(identity) for identity in self.busy)
        return frozenset(machine_id for machine_id in (*named, *silent) if machine_id is not None)


def look(queues: Sequence[str]) -> Look:
    """One transaction, so that a wish that is seen and a lease that is not mean that no job can be claimed any more.

    Raises `redis.RedisError`.
    """
    pipe = client().pipeline(transaction=True)
    pipe.time()
    pipe.info("server")
    pipe.hgetall(keys.WORKERS)
    pipe.hvals(keys.LEASE_HOLDERS)
    pipe.hgetall(keys.WISHES)
    for queue in queues:
        pipe.zcard(keys.queue(queue))
    (seconds, microseconds), server, said, holders, wishes, *depths = pipe.execute()
    agents = {
        name.decode("utf-8", "replace"): parse(name.decode("utf-8", "replace"), text)
        for name, text in said.items()
    }
    return Look(
        now=seconds + microseconds / 1e6,
        uptime_seconds=int(server["uptime_in_seconds"]),
        agents=[agent for agent in agents.values() if agent is not None],
        busy=frozenset(holder.decode("utf-8", "replace") for holder in holders),
        wishes={name.decode(): wish.decode() for name, wish in wishes.items()},
        waiting=dict(zip(queues, depths, strict=True)),
        unreadable=[name for name, agent in agents.items() if agent is None],
    )


def parse(identity: str, text: bytes) -> Agent | None:
    """None for what no agent says."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or len(identity) > _LONGEST_NAME or _text(identity) != identity:
        return None
    facts = said.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    queues = said.get("queues")
    usage = said.get("usage")
    job, _, _ = _text(said.get("job")).rpartition(":")
    return Agent(
        identity=identity,
        seen_at=_seconds(said.get("seen_at")),
        machine_id=_uuid(facts.get("machine_id")) or machine_of_identity(identity),
        host=_text(said.get("host")),
        queues=tuple(str(name) for name in queues) if isinstance(queues, list) else (),
        version=_text(said.get("agent_version"))[:32],
        runtime=_text(said.get("runtime")),
        state=_text(said.get("state"))[:16],
        job=job,
        idle_seconds=_number(said.get("idle_seconds")),
        obeys_wishes=facts.get("obeys_wishes") is True,
        interrupted_at=_moment(facts.get("interrupted_at")),
        usage=usage if isinstance(usage, dict) else {},
    )


def write_wishes(wanted: Mapping[str, str], unwanted: Sequence[str]) -> None:
    """Fields of the hash of wishes: what is to stand there, and what is not."""
    if not wanted and not unwanted:
        return
    wanted_fields: dict[Any, Any] = dict(wanted)
    pipe = client().pipeline(transaction=False)
    if wanted:
        pipe.hset(keys.WISHES, mapping=wanted_fields)
    if unwanted:
        pipe.hdel(keys.WISHES, *unwanted)
    pipe.execute()


def forget_silent(seen: Look) -> None:
    """Workers that were killed long ago leave their last words behind."""
    silent = [agent.identity for agent in seen.agents if seen.now - agent.seen_at > FORGOTTEN_SECONDS]
    gone = [*silent, *seen.unreadable]
    if gone:
        client().hdel(keys.WORKERS, *gone)


def _text(value: Any) -> str:
    """As the database can keep it."""
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """A time or a duration that makes sense; agents are not to be trusted with more than their own job."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _LARGEST else None


def _moment(value: Any) -> datetime | None:
    """Of Unix seconds; None for what is no time that a calendar has."""
    number = _number(value)
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(seen_at: Any) -> float:
    """Earlier agents write seconds or milliseconds."""
    number = _number(seen_at) or 0.0
    return number / 1000 if number > _MILLISECONDS_SINCE else number


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
