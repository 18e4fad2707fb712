"""What agents say of themselves in Redis, what is wished of them, and how many jobs wait: one look for everything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from common.redis import client
from environments import hellos
from environments.autoscaling.types import machine_of_identity
from environments.hellos import Hello
from peon.protocol import keys

FORGOTTEN_SECONDS = 24 * 3600
"""A worker that was silent for so long is not listed any more."""
_MILLISECONDS_SINCE = 10**11
_LARGEST = 10**14


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
    heard_in: str | None = None
    """The queue; None: in the place for all."""


@dataclass(frozen=True)
class Look:
    """What Redis showed at one moment."""

    now: float
    uptime_seconds: int
    agents: Sequence[Agent]
    """One that serves several of the queues is here once for each."""
    holders: Mapping[str | None, frozenset[str]]
    """Queue -> identities of those that hold a lease of its jobs, also an expired one that nobody has cleared yet. None: agents
    that keep theirs in one place for all queues."""
    wishes: Mapping[str, Mapping[str, str]]
    """Queue -> field -> what is wished."""
    waiting: Mapping[str, int]
    """Queue -> jobs in it."""
    unreadable: Sequence[Hello] = ()

    @cached_property
    def busy(self) -> frozenset[str]:
        """Identities of those with a job, in whichever queue."""
        return frozenset().union(*self.holders.values())

    def is_busy(self, queue: str, identities: Collection[str]) -> bool:
        """Whether one of them has a job of the queue. What agents of other queues say does not count."""
        holders = (self.holders.get(name, frozenset()) for name in (queue, None))
        return any(not held.isdisjoint(identities) for held in holders)

    def wish_of(self, queue: str, machine_id: UUID) -> str | None:
        return self.wishes.get(queue, {}).get(keys.machine_field(machine_id))

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
    number = hellos.ask(pipe, queues)
    pipe.hvals(keys.LEASE_HOLDERS)
    for queue in queues:
        pipe.hvals(keys.queue_holders(queue))
    for queue in queues:
        pipe.hgetall(keys.queue_wishes(queue))
    for queue in queues:
        pipe.zcard(keys.queue(queue))
    (seconds, microseconds), server, *answers = pipe.execute()
    said, answers = hellos.read(queues, answers[:number]), answers[number:]
    agents = [(hello, parse(hello)) for hello in said]
    holders, answers = answers[: len(queues) + 1], answers[len(queues) + 1 :]
    wishes, depths = answers[: len(queues)], answers[len(queues) :]
    return Look(
        now=seconds + microseconds / 1e6,
        uptime_seconds=int(server["uptime_in_seconds"]),
        agents=[agent for _, agent in agents if agent is not None],
        holders={
            queue: frozenset(holder.decode("utf-8", "replace") for holder in found)
            for queue, found in zip((None, *queues), holders, strict=True)
        },
        wishes={
            queue: {
                name.decode("utf-8", "replace"): wish.decode("utf-8", "replace")
                for name, wish in found.items()
            }
            for queue, found in zip(queues, wishes, strict=True)
        },
        waiting=dict(zip(queues, depths, strict=True)),
        unreadable=[hello for hello, agent in agents if agent is None],
    )


def parse(hello: Hello) -> Agent | None:
    """None for what no agent says."""
    said, identity = hello.said, hello.identity
    if said is None or _text(identity) != identity:
        return None
    facts = said.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    usage = said.get("usage")
    job, _, _ = _text(said.get("job")).rpartition(":")
    return Agent(
        identity=identity,
        seen_at=_seconds(said.get("seen_at")),
        machine_id=_uuid(facts.get("machine_id")) or machine_of_identity(identity),
        host=_text(said.get("host")),
        queues=tuple(hello.queues),
        version=_text(said.get("agent_version"))[:32],
        runtime=_text(said.get("runtime")),
        state=_text(said.get("state"))[:16],
        job=job,
        idle_seconds=_number(said.get("idle_seconds")),
        obeys_wishes=facts.get("obeys_wishes") is True,
        interrupted_at=_moment(facts.get("interrupted_at")),
        usage=usage if isinstance(usage, dict) else {},
        heard_in=hello.queue,
    )


def write_wishes(wanted: Mapping[tuple[str, str], str], unwanted: Collection[tuple[str, str]]) -> None:
    """(queue, field) of the hashes of wishes: what is to stand there, and what is not."""
    if not wanted and not unwanted:
        return
    pipe = client().pipeline(transaction=False)
    for (queue, name), wish in wanted.items():
        pipe.hset(keys.queue_wishes(queue), name, wish)
    for queue, name in unwanted:
        pipe.hdel(keys.queue_wishes(queue), name)
    pipe.execute()


def forget_silent(seen: Look) -> None:
    """Workers that were killed long ago leave their last words behind."""
    pipe = client().pipeline(transaction=False)
    for hello in seen.unreadable:
        pipe.hdel(_place(hello.queue), hello.identity)
    for agent in seen.agents:
        if seen.now - agent.seen_at > FORGOTTEN_SECONDS:
            pipe.hdel(_place(agent.heard_in), agent.identity)
    pipe.execute()


def _place(queue: str | None) -> str:
    return str(keys.WORKERS if queue is None else keys.queue_workers(queue))


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
