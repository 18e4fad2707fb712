"""Who waits in which line, and whose turn it is. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from executions.scheduling.limits import NOW, Limit, Places, Quota, TeamKey, UserKey, UserQuota

Age = tuple[datetime, int]
"""The smaller, the older; two executions never have the same."""
Turn = tuple[int, datetime, Age]
"""The lowest is served next: who holds the fewest places, then who has waited longest, then what is oldest."""


@dataclass(frozen=True, slots=True)
class WaitingExecution:
    id: UUID
    environment_id: UUID
    user: UserKey
    priority: int
    created_at: datetime
    team: TeamKey = None


age: Callable[[WaitingExecution], Age] = attrgetter("created_at", "id.int")
_line_of = attrgetter("priority", "user", "team")


class Line:
    """What one user waits for on account of one team with one priority; the oldest at the end, where it is taken."""

    __slots__ = ("priority", "team", "user", "waiting")

    def __init__(self, priority: int, user: UserQuota, team: Quota) -> None:
        self.priority = priority
        self.user = user
        self.team = team
        self.waiting: list[WaitingExecution] = []

    @property
    def is_held(self) -> bool:
        return self.user.is_used or self.team.is_used

    def held_by(self, places: Places) -> Quota:
        """What holds back those that are left when all places are dealt."""
        if places.all.limit is Limit.SWITCHED_OFF:
            return places.all
        if self.team.limit is Limit.TEAM_BLOCKED:
            return self.team
        if self.user.is_used:
            return self.user
        return self.team if self.team.is_used else places.all

    def turn(self) -> Turn:
        first = self.waiting[-1]
        return self.user.taken, max(first.created_at, self.user.served_at), age(first)


def lines_of(waiting: Iterable[WaitingExecution], places: Places) -> list[Line]:
    """`waiting` comes oldest first, and so do the lines by their first."""
    lines: dict[tuple[int, UserKey, TeamKey], Line] = {}
    for execution in waiting:
        key = _line_of(execution)
        line = lines.get(key)
        if line is None:
            line = lines[key] = Line(
                execution.priority, places.of_user(execution.user), places.of_team(execution.team)
            )
        line.waiting.append(execution)
    for line in lines.values():
        line.waiting.reverse()
    return list(lines.values())


def deal(lines: Iterable[Line], places: Places) -> list[WaitingExecution]:
    """Give the free places to lines of one priority, in turn. What goes leaves its line.

    Places are only taken here, so that a limit that is reached stays reached. A line that is held never keeps another
    one of the same user waiting.
    """
    of_users: dict[UserQuota, list[tuple[Age, Line]]] = defaultdict(list)
    for line in lines:
        of_users[line.user].append((age(line.waiting[-1]), line))
    turns = [
        (own[0][1].turn(), own) for own in of_users.values()
    ]  # `own` is a heap: the lines come oldest first
    heapq.heapify(turns)
    served: list[WaitingExecution] = []
    while turns and not places.all.is_used:
        turn, own = heapq.heappop(turns)
        while own and own[0][1].is_held:
            heapq.heappop(own)
        if not own:
            continue
        line = own[0][1]
        if line.turn() == turn:
            served.append(line.waiting.pop())
            places.take(line.user, line.team)
            if line.waiting:
                heapq.heapreplace(own, (age(line.waiting[-1]), line))
            else:
                heapq.heappop(own)
        if own:
            heapq.heappush(turns, (own[0][1].turn(), own))
    return served


def in_turn(lines: Iterable[Line]) -> list[WaitingExecution]:
    """All of these in the order in which they would go if places for them became free one after the other."""
    oldest_first = sorted((-line.priority, age(e), line.user, e) for line in lines for e in line.waiting)
    ahead: dict[UserQuota, int] = defaultdict(int)
    keyed: list[tuple[int, int, datetime, Age, WaitingExecution]] = []
    for priority, its_age, user, execution in oldest_first:
        more = ahead[user]
        since = NOW if more else max(execution.created_at, user.served_at)
        keyed.append((priority, user.taken + more, since, its_age, execution))
        ahead[user] = more + 1
    return [execution for *_, execution in sorted(keyed)]
