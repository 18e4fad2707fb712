"""Decides which waiting executions may enter the queue of their environment, and tells the others why not.

Pure: facts in, decisions out; no database, no clock, no network. The order of the facts does not matter.

Per environment two limits hold at any moment: `max_running` executions in all and `per_user_quota` per user, counting
those that are queued or running (an execution in the queue may start any moment). Free places go to the highest
priority first; inside a priority to the user who has the fewest executions in the environment; inside one user's to
the one that was created first.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

UserKey = int | None
"""The creator's id; None: the account is gone. All of those share one quota."""


@dataclass(frozen=True)
class WaitingExecution:
    id: UUID
    environment_id: UUID
    user: UserKey
    priority: int
    created_at: datetime

    @property
    def age_order(self) -> tuple[datetime, int]:
        return self.created_at, self.id.int


@dataclass(frozen=True)
class EnvironmentLimits:
    id: UUID
    name: str
    enabled: bool = True
    max_running: int = 0
    per_user_quota: int = 0


@dataclass(frozen=True)
class Facts:
    waiting: tuple[WaitingExecution, ...]
    environments: Mapping[UUID, EnvironmentLimits]
    admitted: Mapping[tuple[UUID, UserKey], int] = field(default_factory=dict)
    """Executions that are queued or running, per environment and user."""


@dataclass(frozen=True)
class Decisions:
    enqueue: tuple[UUID, ...]
    """In the order in which they should be queued."""
    waiting_reasons: Mapping[UUID, str]


def plan(facts: Facts) -> Decisions:
    by_environment: dict[UUID, list[WaitingExecution]] = defaultdict(list)
    for execution in facts.waiting:
        by_environment[execution.environment_id].append(execution)
    enqueue: list[WaitingExecution] = []
    reasons: dict[UUID, str] = {}
    for environment_id, waiting in sorted(by_environment.items()):
        limits = facts.environments[environment_id]
        users = {user: n for (where, user), n in facts.admitted.items() if where == environment_id}
        chosen = _admit(waiting, limits, Counter(users))
        enqueue += chosen
        left = _left_over(waiting, chosen)
        reasons.update(_reasons(left, limits, Counter(users) + Counter(e.user for e in chosen)))
    return Decisions(tuple(execution.id for execution in enqueue), reasons)


def _admit(
    waiting: Iterable[WaitingExecution], limits: EnvironmentLimits, users: Counter[UserKey]
) -> list[WaitingExecution]:
    """Those that may go now, in order."""
    if not limits.enabled:
        return []
    users = users.copy()
    free = limits.max_running - users.total() if limits.max_running > 0 else None
    chosen: list[WaitingExecution] = []
    for candidates in _by_priority(waiting):
        room = None if free is None else free - len(chosen)
        for execution in _share(candidates, room, limits, users):
            users[execution.user] += 1
            chosen.append(execution)
    return chosen


def _by_priority(waiting: Iterable[WaitingExecution]) -> list[list[WaitingExecution]]:
    classes: dict[int, list[WaitingExecution]] = defaultdict(list)
    for execution in waiting:
        classes[execution.priority].append(execution)
    return [classes[priority] for priority in sorted(classes, reverse=True)]


def _share(
    candidates: list[WaitingExecution], room: int | None, limits: EnvironmentLimits, users: Counter[UserKey]
) -> list[WaitingExecution]:
    """Deal the free places of one priority to the users in turn, to whoever has the fewest first."""
    lines: dict[UserKey, list[WaitingExecution]] = defaultdict(list)
    for execution in sorted(candidates, key=lambda e: e.age_order, reverse=True):
        lines[execution.user].append(execution)  # the oldest last, to be popped
    heap = [
        (users[user], line[-1].age_order, line)
        for user, line in lines.items()
        if _may_have_more(users[user], limits)
    ]
    heapq.heapify(heap)
    chosen: list[WaitingExecution] = []
    while heap and (room is None or len(chosen) < room):
        held, _, line = heapq.heappop(heap)
        chosen.append(line.pop())
        if line and _may_have_more(held + 1, limits):
            heapq.heappush(heap, (held + 1, line[-1].age_order, line))
    return chosen


def _may_have_more(held: int, limits: EnvironmentLimits) -> bool:
    return limits.per_user_quota <= 0 or held < limits.per_user_quota


def _left_over(waiting: list[WaitingExecution], chosen: list[WaitingExecution]) -> list[WaitingExecution]:
    """In the order in which they can expect to go."""
    gone = {execution.id for execution in chosen}
    return sorted((e for e in waiting if e.id not in gone), key=lambda e: (-e.priority, e.age_order))


def _reasons(
    left: list[WaitingExecution], limits: EnvironmentLimits, users: Counter[UserKey]
) -> dict[UUID, str]:
    ahead_of_user: Counter[UserKey] = Counter()
    reasons: dict[UUID, str] = {}
    for ahead, execution in enumerate(left):
        reasons[execution.id] = _reason(
            limits, held=users[execution.user], ahead=ahead, ahead_of_own=ahead_of_user[execution.user]
        )
        ahead_of_user[execution.user] += 1
    return reasons


def _reason(limits: EnvironmentLimits, *, held: int, ahead: int, ahead_of_own: int) -> str:
    if not limits.enabled:
        return f"Environment '{limits.name}' is switched off."
    if not _may_have_more(held, limits):
        return (
            f"Your quota in environment '{limits.name}' is used: {held} of {limits.per_user_quota} executions are "
            f"queued or running. {how_many(ahead_of_own, 'of yours')} before this one."
        )
    return (
        f"Environment '{limits.name}' runs at most {limits.max_running} executions at once and is full. "
        f"{how_many(ahead)} before this one."
    )


def how_many(number: int, whose: str = "") -> str:
    """'3 wait'. Large numbers are rounded down, so that a long line is not rewritten at every step of its head."""
    if number == 0:
        return "Nothing waits" if not whose else f"None {whose} waits"
    rounded = number if number <= 10 else number // 10 * 10 if number < 100 else number // 100 * 100
    amount = str(number) if rounded == number else f"More than {rounded}"
    middle = f" {whose}" if whose else ""
    return f"{amount}{middle} {'waits' if number == 1 else 'wait'}"
