"""Decides which waiting executions may enter the queue of their environment, and tells the others why not.

Pure: facts in, decisions out; no database, no clock, no network. The order of the facts does not matter.

Per environment three limits hold at any moment: `max_running` executions in all, a quota per user and a quota per team,
counting those that are queued or running (an execution in the queue may start any moment). Free places go to the
highest priority first; inside a priority to the user who has the fewest executions in the environment, among equals to
whoever has waited longest since they last got a place; inside one user's to the oldest that may go. Nobody waits
behind an execution that waits for something else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from executions.scheduling.limits import EnvironmentLimits, Places, TeamKey, UserKey
from executions.scheduling.lines import Line, WaitingExecution, age, deal, lines_of
from executions.scheduling.reasons import explain


@dataclass(frozen=True)
class Facts:
    waiting: tuple[WaitingExecution, ...]
    environments: Mapping[UUID, EnvironmentLimits]
    admitted: Mapping[tuple[UUID, UserKey, TeamKey], int] = field(default_factory=dict)
    """Executions that are queued or running, per environment, user and team."""
    served: Mapping[tuple[UUID, UserKey], datetime] = field(default_factory=dict)
    """When users last got a place in an environment, as far as known: see `served_after`."""


@dataclass(frozen=True)
class Decisions:
    enqueue: tuple[UUID, ...]
    """In the order in which they should be queued."""
    waiting_reasons: Mapping[UUID, str]


def plan(facts: Facts) -> Decisions:
    taken: dict[UUID, dict[tuple[UserKey, TeamKey], int]] = defaultdict(dict)
    for (environment_id, user, team), number in facts.admitted.items():
        taken[environment_id][user, team] = number
    served: dict[UUID, dict[UserKey, datetime]] = defaultdict(dict)
    for (environment_id, user), moment in facts.served.items():
        served[environment_id][user] = moment
    enqueue: list[UUID] = []
    reasons: dict[UUID, str] = {}
    for environment_id, waiting in sorted(_oldest_first(facts.waiting).items()):
        limits = facts.environments[environment_id]
        places = Places(limits, taken[environment_id], served[environment_id])
        lines = lines_of(waiting, places)
        for line_class in _by_priority(lines):
            enqueue += [execution.id for execution in deal(line_class, places)]
        reasons |= explain(lines, places)
    return Decisions(tuple(enqueue), reasons)


def served_after(facts: Facts, decisions: Decisions, now: datetime) -> dict[tuple[UUID, UserKey], datetime]:
    """`Facts.served` of the next plan. Users who wait for nothing more are forgotten: their next wait begins anew."""
    left = {(e.environment_id, e.user) for e in facts.waiting if e.id in decisions.waiting_reasons}
    given = {(e.environment_id, e.user) for e in facts.waiting if e.id not in decisions.waiting_reasons}
    return {
        key: now if key in given else facts.served[key] for key in left if key in given or key in facts.served
    }


def _oldest_first(waiting: Iterable[WaitingExecution]) -> dict[UUID, list[WaitingExecution]]:
    by_environment: dict[UUID, list[WaitingExecution]] = defaultdict(list)
    for execution in sorted(waiting, key=age):
        by_environment[execution.environment_id].append(execution)
    return by_environment


def _by_priority(lines: Iterable[Line]) -> list[list[Line]]:
    """The highest first."""
    classes: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        classes[line.priority].append(line)
    return [classes[priority] for priority in sorted(classes, reverse=True)]
