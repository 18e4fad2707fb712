"""Plain values of enrolment."""

from dataclasses import dataclass
from datetime import timedelta

SCHEME = "worker"
"""Of the header `Authorization: Worker <identity>.<secret>`."""
CREDENTIAL_HEADER = "Peon-Worker"
"""Carries `<identity>.<secret>` beside the token of a job: a claim proves both."""

FOR_ONE_JOB = "/"
"""Behind the identity of a dispatcher that was enrolled its agents for one job have names of their own."""

HELLO_SECONDS = 20
"""How often an agent says that it lives."""
ALIVE = timedelta(seconds=60)
"""An agent that was silent for so long is believed to be gone: another one may take its identity, as after a reboot."""

MOST_AGENTS = 64
"""On one machine, one for each of its GPUs."""
MOST_USES = 1000
SHORTEST_LIFETIME = timedelta(minutes=1)
LONGEST_LIFETIME = timedelta(days=30)
DEFAULT_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class Presence:
    """Who exactly speaks for an identity. Copies of a disk have the identity in common, but not this."""

    instance: str
    """Random, of one start of the agent."""
    boot_id: str
    """The kernel's, of one start of the machine."""
    turn: int
    """Counts what the instance has said; the copy of a running machine falls behind."""
    host: str


@dataclass(frozen=True)
class Enrolled:
    """What one agent is told, once."""

    identity: str
    secret: str


@dataclass(frozen=True)
class EnrolledMachine:
    queue: str
    workers: list[Enrolled]
